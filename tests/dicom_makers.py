"""Small DICOM files, made in memory, with identifiers that must never come out again."""

from __future__ import annotations

import io
import warnings
from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

SECRETS = ("Ferreira", "19630517", "MRN-778899", "Hospital Secreto", "9.8.7.6.5")


def dataset(pixels: NDArray[Any], *, syntax: str = uid.ExplicitVRLittleEndian, **fields: Any) -> Dataset:
    """A secondary capture of (H, W) or (H, W, 3) pixels; ``fields`` replace or, when ``None``, remove elements."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.9.8.7.6.5"
    ds = Dataset()
    ds.file_meta, ds.preamble = meta, b"\0" * 128
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.PatientName, ds.PatientBirthDate, ds.PatientID = "Ferreira^Maria", "19630517", "MRN-778899"
    ds.InstitutionName, ds.StudyDescription = "Hospital Secreto", "Dr Ferreira asks"
    ds.Modality, ds.Manufacturer, ds.BodyPartExamined = "CR", "Lynx Imaging", "CHEST"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    ds["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    if len(ds.PixelData) % 2:
        ds.PixelData += b"\0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that are wrong on purpose
        for keyword, value in fields.items():
            if value is None:
                del ds[keyword]
            else:
                setattr(ds, keyword, value)
    if "BitsStored" in fields and "HighBit" not in fields:
        ds.HighBit = ds.BitsStored - 1
    return ds


def clip(frames: NDArray[Any], **fields: Any) -> Dataset:
    """A data set of (N, H, W) or (N, H, W, 3) frames."""
    ds = dataset(frames[0], **fields)
    order = ">" if ds.file_meta.TransferSyntaxUID == uid.ExplicitVRBigEndian else "<"
    ds.NumberOfFrames = len(frames)
    ds.PixelData = frames.astype(frames.dtype.newbyteorder(order)).tobytes()
    ds.PixelData += b"\0" * (len(ds.PixelData) % 2)
    return ds


def written(ds: Dataset) -> bytes:
    stream, syntax = io.BytesIO(), ds.file_meta.TransferSyntaxUID
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(
            stream,
            implicit_vr=syntax == uid.ImplicitVRLittleEndian,
            little_endian=syntax != uid.ExplicitVRBigEndian,
            enforce_file_format=False,
        )
    return stream.getvalue()


def dicom(pixels: NDArray[Any], **fields: Any) -> bytes:
    return written(dataset(pixels, **fields))


def compressed(pixels: NDArray[Any], stream: bytes, syntax: str, **fields: Any) -> bytes:
    """A file whose header describes ``pixels`` and whose compressed frame is ``stream``."""
    ds = dataset(pixels, **fields)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return written(ds)


def lut_item(entries: NDArray[Any], first: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries) % 65536, first, bits]
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item
