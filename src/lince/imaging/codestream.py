"""What a compressed picture claims to be, read from its own header before a decoder believes it."""

from __future__ import annotations

from dataclasses import dataclass

_J2K_START = b"\xff\x4f\xff\x51"  # SOC and SIZ markers (ISO/IEC 15444-1, A.5.1)
_SOF_JPEG_LS = 0xF7
_NO_SOF = frozenset({0xC4, 0xC8, 0xCC})  # DHT, JPG, DAC share the range of the frame markers
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN = 0xDA


@dataclass(frozen=True, slots=True)
class Claim:
    """Size, components and bits a sample that a JPEG, JPEG-LS or JPEG 2000 codestream declares."""

    width: int
    height: int
    components: int
    bits: int


def read_claim(stream: bytes) -> Claim | None:
    """Read the header of a codestream, ``None`` where there is none to be found."""
    start = stream.find(_J2K_START, 0, 4096)  # behind the boxes of a JP2 file, where there are any
    if start >= 0 and not stream.startswith(b"\xff\xd8"):
        return _jpeg_2000(stream[start + 4 :])
    return _jpeg(stream)


def _jpeg_2000(segment: bytes) -> Claim | None:
    if len(segment) < 39:
        return None
    # Lsiz, Rsiz (2 bytes each), then Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz (4 each), Csiz, Ssiz
    x1, y1, x0, y0 = (int.from_bytes(segment[i : i + 4]) for i in range(4, 20, 4))
    components = int.from_bytes(segment[36:38])
    return Claim(x1 - x0, y1 - y0, components, (segment[38] & 0x7F) + 1)


def _jpeg(stream: bytes) -> Claim | None:
    """Walk the marker segments (ISO/IEC 10918-1, B.1.1) to the frame header."""
    if not stream.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 4 <= len(stream):
        if stream[at] != 0xFF:
            return None
        marker = stream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        if marker == _START_OF_SCAN:
            return None
        if marker == _SOF_JPEG_LS or (0xC0 <= marker <= 0xCF and marker not in _NO_SOF):
            head = stream[at + 4 : at + 10]
            if len(head) < 6:
                return None
            return Claim(int.from_bytes(head[3:5]), int.from_bytes(head[1:3]), head[5], head[0])
        at += 2 + int.from_bytes(stream[at + 2 : at + 4])
    return None
