"""The results as a markdown table, in English and Portuguese."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.common import RESULTS, ROOT

START, END = "<!-- figures:start -->", "<!-- figures:end -->"
READMES = {"en": ROOT / "README.md", "pt": ROOT / "README.pt.md"}
Figures = Any

# Topic, what it is (English, Portuguese), its target (likewise), and how its figure is told.
ROWS: tuple[tuple[str, tuple[str, str], tuple[str, str], Callable[[Figures], str]], ...] = (
    ("demo", ("`make demo`, from a clone to a served page", "`make demo`, do clone à página"), ("< 6 min",) * 2,
     lambda f: f"{f['seconds'] / 60:.1f} min"),
    ("busi", ("`lince train` on BUSI, fast: time; test AUC for malignant",
              "`lince train` em BUSI, fast: tempo; AUC de teste para malignant"), ("< 45 s; ≥ 0.88",) * 2,
     lambda f: _busi(f["fast"])),
    ("busi", ("`lince train` on BUSI, balanced", "`lince train` em BUSI, balanced"), ("< 4 min; ≥ 0.90",) * 2,
     lambda f: _busi(f["balanced"])),
    ("chest", ("`lince train` on chest X-rays, fast: time; validation AUC",
               "`lince train` em radiografias do tórax, fast: tempo; AUC de validação"), ("< 90 s; ≥ 0.99",) * 2,
     lambda f: f"{f['seconds']:.0f} s; {f['validation_auc']:.3f} (test {f['test_auc']:.3f})"),
    ("predict", ("`lince predict` on 5,216 JPEGs against bare forward passes",
                 "`lince predict` em 5216 JPEG face à rede nua"), ("< 1.3 x",) * 2,
     lambda f: f"{f['command_s']:.0f} s, {f['command_ratio']:.2f} x ({f['without_start_ratio']:.2f} x without start)"),
    ("serving", ("one prediction over HTTP against a bare forward pass with decoding",
                 "uma previsão por HTTP face à rede nua com descodificação"), ("< 1.5 x",) * 2,
     lambda f: f"{f['http_ms']:.1f} ms, {f['http_ratio']:.2f} x"),
    ("serving", ("the same with its heat map", "a mesma com mapa de calor"), ("< 4 x",) * 2,
     lambda f: f"{f['explained_ms']:.1f} ms, {f['explained_ratio']:.2f} x"),
    ("serving", ("32 clients at once against batched forward passes", "32 clientes ao mesmo tempo face a lotes"),
     ("≥ 80 %; no errors", "≥ 80 %; sem erros"),
     lambda f: f"{f['clients_per_s']:.0f}/s, {f['clients_share']:.0%}; {f['clients_errors']}"),
    ("memory", ("peak memory, 25,000 and 100,000 images of 28 px", "memória máxima, 25 000 e 100 000 imagens de 28 px"),
     ("does not grow", "não cresce"), lambda f: _memory(f["28 px"])),
    ("memory", ("peak memory, 5,000 and 20,000 images of 224 px", "memória máxima, 5000 e 20 000 imagens de 224 px"),
     ("does not grow", "não cresce"), lambda f: _memory(f["224 px"])),
    ("audit", ("`lince data audit` of 5,216 X-rays, embeddings included",
               "`lince data audit` de 5216 radiografias, com representações da rede"), ("< 90 s",) * 2,
     lambda f: f"{f['chest films']['seconds']:.0f} s"),
    ("audit", ("the same of 100,000 images of 28 px: time; peak memory",
               "o mesmo de 100 000 imagens de 28 px: tempo; memória máxima"), ("< 6 min; < 2 GB",) * 2,
     lambda f: f"{f['small images']['seconds'] / 60:.1f} min; {f['small images']['peak_gib'] * 1.0737:.2f} GB"),
    ("audit", ("planted defects found; false alarms on clean collections",
               "defeitos plantados encontrados; falsos alarmes em coleções limpas"), ("≥ 99 %; ≤ 1 %",) * 2,
     lambda f: _planted(f["planted"])),
    ("manifest", ("reading and splitting a manifest of a million rows: time; peak memory",
                  "ler e dividir um manifesto de um milhão de linhas: tempo; memória máxima"), ("< 15 s; < 2 GB",) * 2,
     lambda f: _manifest(f)),
    ("evaluation", ("figures and report of 100,000 predictions, 30,000 patients, 2 and 5 classes: time; peak memory",
                    "medidas e relatório de 100 000 previsões, 30 000 doentes, 2 e 5 classes: tempo; memória máxima"),
     ("< 60 s; < 2 GB",) * 2,
     lambda f: _evaluation(f)),
    ("coverage", ("95 % intervals that hold the truth, by figure, 400 images: fewest to most",
                  "intervalos a 95 % que contêm a verdade, por medida, 400 imagens: do menor ao maior"),
     ("94 to 96 %", "94 a 96 %"),
     lambda f: _coverage(f)),
    ("accuracy-busi", ("BUSI, best, grouped 5-fold: AUC for malignant out of fold",
                  "BUSI, best, 5 dobras por grupo: AUC fora da dobra"),
     ("≥ 0.94",) * 2,
     lambda f: f"{f['out_of_fold_auc']:.3f}, {f['milliseconds_per_image']:.0f} ms/image"),
    ("accuracy-breastmnist",
     ("BreastMNIST 28 px, best, official test, 3 seeds: AUC; accuracy; both without twins of training images",
      "BreastMNIST 28 px, best, teste oficial, 3 sementes: AUC; acurácia; ambas sem gémeas de imagens do treino"),
     ("≥ 0.94; ≥ 0.906",) * 2,
     lambda f: _breastmnist(f)),
    ("accuracy-small-cnn", ("`small-cnn` on BreastMNIST: time; AUC", "`small-cnn` em BreastMNIST: tempo; AUC"),
     ("< 60 s; ≥ 0.90",) * 2,
     lambda f: f"{max(run['seconds'] for run in f):.0f} s; {', '.join(format(run['test_auc'], '.3f') for run in f)}"),
    ("accuracy-chest", ("chest X-rays, other patients: AUC; balanced accuracy",
                  "radiografias do tórax, outros pacientes: AUC; acurácia balanceada"), ("≥ 0.98; ≥ 0.92",) * 2,
     lambda f: f"{f['test_auc']:.3f}; {f['test_balanced_accuracy']:.3f}"),
    ("epoch", ("one epoch of the head on frozen features, 5,216 images",
               "uma época da cabeça sobre características congeladas, 5216 imagens"), ("< 0.5 s",) * 2,
     lambda f: f"{f['seconds']:.2f} s"),
    ("keras", ("time to the best validation AUC of the Keras script (without its ImageNet weights here), same X-rays: "
               "Keras against lince",
               "tempo até à melhor AUC de validação do script Keras, mesmas radiografias: Keras face a lince"),
     ("≥ 10 x",) * 2,
     lambda f: f"{f['peer_seconds_to_it']:.0f} s / {f['lince_seconds_to_it']:.0f} s = {f['ratio_to_it']:.0f} x"),
    ("keras", ("an image in an epoch of fine-tuning: Keras against lince",
               "uma imagem numa época de ajuste fino: Keras face a lince"), ("≥ 2 x",) * 2,
     lambda f: _tuning(f)),
    ("resnet", ("ResNet-50, files to features: share of the rate of bf16 matrix products",
                "ResNet-50, de ficheiros a características: parte do ritmo dos produtos de matrizes bf16"),
     ("≥ 0.8",) * 2,
     lambda f: f"{f['share']:.2f} ({f['images_per_s']:.0f} images/s)"),
    ("heatmaps", ("heat map of a phantom: share inside the lesion against the lesion's share of the image",
                  "mapa de calor de um fantoma: parte dentro da lesão face à parte da lesão na imagem"), ("≥ 3 x",) * 2,
     lambda f: ", ".join(f"{name} {part['gain']:.1f} x" for name, part in f["methods"].items())),
    ("heatmaps", ("prediction with its heat map against the forward pass",
                  "previsão com mapa de calor face à rede nua"), ("< 3 x",) * 2,
     lambda f: f"{f['explained_ms']:.1f} ms, {f['ratio']:.2f} x"),
    ("trust", ("held-out images in the 90 % sets, by class: ultrasound; the same cross-validated; X-rays; CT or MR",
               "imagens nos conjuntos de 90 %, por classe: ecografia; com validação cruzada; radiografias; TC ou RM"),
     ("87 to 93 %", "87 a 93 %"), lambda f: _by_part(_covered, f)),
    ("trust", ("calibration error on them: ultrasound; the same cross-validated; X-rays; CT or MR",
               "erro de calibração: ecografia; com validação cruzada; radiografias; TC ou RM"), ("≤ 0.05",) * 2,
     lambda f: _by_part(lambda part: f"{part['calibration_error']:.3f}", f)),
    ("trust", ("errors (malignant or not), when 20 % are referred: ultrasound; cross-validated; X-rays; CT or MR",
               "erros (maligno ou não), ao encaminhar 20 %: ecografia; com validação cruzada; radiografias; TC ou RM"),
     ("half", "metade"), lambda f: _by_part(_referred, f)),
    ("ceiling", ("frozen network on BreastMNIST: AUC by cross-validation; with ten times the images (extrapolated)",
                 "rede congelada em BreastMNIST: AUC por validação cruzada; com dez vezes as imagens (extrapolado)"),
     ("explains the above", "explica o de cima"), lambda f: _ceiling(f["breastmnist_frozen"])),
    ("trust", ("refused by the breast-ultrasound model: images of other kinds; its own. By that for CT and MR",
               "recusadas pelo modelo de ecografia mamária: imagens de outro tipo; as suas. Pelo de TC e RM"),
     ("≥ 95 %; ≤ 5 %",) * 2,
     lambda f: ". ".join(
         f"{of['refused']:.1%}; {own['own_images_refused']:.1%}" for of, own in ((f, f["busi"]), (f["medpix"],) * 2))),
    ("descriptors", ("descriptors of images of 320 px", "descritores de imagens de 320 px"), ("≥ 150/s",) * 2,
     lambda f: f"{f['images_per_s']:.0f}/s"),
    ("medpix-descriptors",
     ("MedPix dev, descriptors: accuracy (macro F1) of neighbours unscaled, scaled, chosen; of any classifier",
      "MedPix dev, descritores: acurácia (F1 macro) de vizinhos sem escala, com escala, escolhidos; de qualquer um"),
     ("CT or MR ≥ 0.93", "TC ou RM ≥ 0.93"), lambda f: _descriptors(f)),
    ("medpix-text", ("MedPix dev, location: accuracy by image, by caption, by both; class words hidden",
                     "MedPix dev, localização: acurácia por imagem, legenda, ambas; sem as palavras das classes"),
     ("≥ 0.68; ≥ 0.64; ≥ 0.74",) * 2, lambda f: _captions(f["location"]["figures"])),
    ("medpix-text", ("MedPix dev, CT or MR: accuracy by image", "MedPix dev, TC ou RM: acurácia por imagem"),
     ("≥ 0.985",) * 2, lambda f: f"{f['type']['figures']['image alone']['accuracy']:.3f}"),
    ("startup", ("`import lince`; `lince --help`",) * 2, ("< 0.5 s",) * 2,
     lambda f: f"{f['import_ms'] / 1e3:.2f} s; {f['help_ms'] / 1e3:.2f} s"),
)  # fmt: skip


def _busi(found: Figures) -> str:
    each = ", ".join(f"{run['test_auc']:.3f}" for run in found["runs"])
    return f"{found['mean_seconds']:.0f} s; {found['mean_test_auc']:.3f} ({each})"


def _referred(found: Figures) -> str:
    told = f"{found['error']:.1%}, {found['error_of_the_others']:.1%} of {1 - found['referred']:.0%}"
    whole, others = found["error_positive_or_not"], found["error_positive_or_not_of_the_others"]
    # With two classes it is the same.
    return told if whole == found["error"] else f"{told} ({whole:.1%}, {others:.1%})"


def _by_part(told: Callable[[Figures], str], found: Figures) -> str:
    return "; ".join(told(found[name]) for name in ("busi", "busi_cross_validated", "chest", "medpix"))


def _covered(found: Figures) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(found["coverage"].items()))


def _captions(found: Figures) -> str:
    side = "tfidf,sentence" if "caption alone, tfidf,sentence" in found else "tfidf"
    names = ("image alone", f"caption alone, {side}", f"image and caption, {side}")
    names += (f"image and caption, {side}, class words hidden",)
    return "; ".join(f"{found[name]['accuracy']:.3f}" for name in names)


def _ceiling(found: Figures) -> str:
    return f"{found['auc'][-1]:.3f}; {found['auc_of_ten_times_the_images']:.3f}"


def _descriptors(found: Figures) -> str:
    def told(one: Figures) -> str:
        return f"{one['accuracy']:.3f} ({one['macro_f1']:.3f})"

    return "; ".join(
        f"{target} {', '.join(told(part['figures'][name]) for name in part['figures'])}"
        for target, part in found.items()
    )


def _breastmnist(runs: list[Figures]) -> str:
    names = ("auc", "accuracy_likelier_class", "auc_without_twin", "accuracy_likelier_class_without_twin")
    return "; ".join(", ".join(f"{run[name]:.3f}" for run in runs) for name in names)


def _planted(found: Figures) -> str:
    good, tried = (sum(pair[place] for pair in found["by_kind"].values()) for place in (0, 1))
    return f"{good / tried:.1%} of {tried}; {found['false_alarms_per_image']:.1%}"


def _manifest(found: Figures) -> str:
    times = ", ".join(f"{kind} {part['seconds']:.0f} s" for kind, part in found.items())
    return f"{times}; {max(part['peak_mib'] for part in found.values()) * 2**20 / 1e9:.2f} GB"


def _evaluation(found: Figures) -> str:
    times = ", ".join(f"{part['seconds']:.0f} s" for part in found.values())
    return f"{times}; {max(part['peak_mib'] for part in found.values()) * 2**20 / 1e9:.2f} GB"


def _coverage(found: Figures) -> str:
    shares = [[row["coverage"] for row in found[name].values()] for name in found if name.startswith("400")]
    return "; ".join(f"{min(part):.1%} – {max(part):.1%}" for part in shares)


def _tuning(found: Figures) -> str:
    theirs, ours = found["peer_tune_ms_per_image"], found["lince_tune_ms_per_image"]
    return f"{theirs:.0f} ms / {ours:.1f} ms = {found['ratio_tune']:.1f} x"


def _memory(found: list[Figures]) -> str:
    return " → ".join(f"{part['peak_mib']:.0f} MiB" for part in found)


def _results() -> dict[str, dict[str, Any]]:
    return {place.stem: json.loads(place.read_text(encoding="utf-8")) for place in sorted(RESULTS.glob("*.json"))}


def markdown(language: str) -> str:
    """The table of what was measured; rows without a result are left out."""
    known, column = _results(), ("en", "pt").index(language)
    titles = (("what", "target", "measured"), ("o quê", "meta", "medido"))[column]
    lines = [f"| {' | '.join(titles)} |", "|---|---|---|"]
    for topic, what, target, told in ROWS:
        if topic in known and _has(told, known[topic]["figures"]):
            lines.append(f"| {what[column]} | {target[column]} | {told(known[topic]['figures'])} |")
    if len(lines) == 2:
        return ("No results yet: run `make bench`.", "Ainda sem resultados: corra `make bench`.")[column]
    machines = {
        f"{m['cpu']}, {m['cores']} {('cores', 'núcleos')[column]}, {m['memory_gib']:.0f} GiB, PyTorch {m['torch']}"
        for m in (result["machine"] for result in known.values())
    }
    dates = sorted(result["date"][:10] for result in known.values())
    when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} – {dates[-1]}"
    return "\n".join([*lines, "", f"{'; '.join(sorted(machines))}. {when}."])


def _has(told: Callable[[Figures], str], figures: Figures) -> bool:
    """Whether this part of a topic was measured; a part may be skipped for want of its collection."""
    try:
        return bool(told(figures))
    except KeyError:
        return False


def write() -> None:
    """Put the table between the marks of each README."""
    for language, place in READMES.items():
        text = place.read_text(encoding="utf-8") if place.exists() else ""
        if START not in text or END not in text:
            print(f"{place.name} has no {START} and {END}: left as it is")
            continue
        before, after = text.split(START)[0], text.split(END, 1)[1]
        place.write_text(f"{before}{START}\n{markdown(language)}\n{END}{after}", encoding="utf-8")
