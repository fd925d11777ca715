"""What the page says, in English and in Portuguese: an English sentence is its own key."""

from __future__ import annotations

from typing import Literal, final

from lince.core.languages import preferred

Language = Literal["en", "pt"]

PORTUGUESE = {
    # Status
    "Training": "Treino",
    "Preparing": "A preparar",
    "In training": "Em treino",
    "Finished": "Terminado",
    "Interrupted": "Interrompido",
    "Failed": "Falhou",
    "No connection": "Sem ligação",
    "Waiting for the training to begin": "À espera de que o treino comece",
    "Go on with the same command and --resume.": "Continue com o mesmo comando e --resume.",
    "lince has ended. This page keeps what it had received.": "O lince terminou. Esta página guarda o que já recebeu.",
    "This page needs JavaScript, which it gets from this computer alone.": (
        "Esta página precisa de JavaScript, que recebe apenas deste computador."
    ),
    "SYNTHETIC images, not patients": "Imagens SINTÉTICAS, não doentes",
    "These images were made by a program. The figures say nothing about patients.": (
        "Estas imagens foram geradas por um programa. Os números nada dizem sobre doentes."
    ),
    # Cards and progress
    "Best validation AUC": "Melhor AUC de validação",
    "epoch {epoch} of {phase}": "época {epoch} de {phase}",
    "Epoch": "Época",
    "of at most {epochs}, {phase}": "de, no máximo, {epochs}, {phase}",
    "of {epochs}, {phase}": "de {epochs}, {phase}",
    "Time left": "Tempo restante",
    "at most, in this phase": "no máximo, nesta fase",
    "in this step": "neste passo",
    "Time so far": "Tempo decorrido",
    "Time in all": "Tempo total",
    "since the start": "desde o início",
    "from start to bundle": "do início ao modelo",
    # Tasks
    "Reading images": "A ler as imagens",
    "Measuring": "A medir",
    "Looking for near-duplicates": "À procura de quase duplicados",
    "Computing features": "A calcular características",
    "training images": "imagens de treino",
    "validation images": "imagens de validação",
    # Curves
    "Curves": "Curvas",
    "Loss": "Perda",
    "Learning rate": "Taxa de aprendizagem",
    "Validation AUC": "AUC de validação",
    "training": "treino",
    "validation": "validação",
    "test": "teste",
    "head": "cabeça",
    "train": "treino",
    "fine-tuning": "afinação",
    "Logarithmic scale.": "Escala logarítmica.",
    "Epochs run on through the phases.": "As épocas continuam de fase em fase.",
    # Validation
    "On the validation images": "Nas imagens de validação",
    "After epoch {epoch} of {phase}, the best so far. Before calibration.": (
        "Depois da época {epoch} de {phase}, a melhor até agora. Antes da calibração."
    ),
    "ROC curve": "Curva ROC",
    "False alarms": "Falsos alarmes",
    "Found": "Encontrados",
    "AUC {auc}": "AUC {auc}",
    "Confusion matrix": "Matriz de confusão",
    "The most probable class of each image.": "A classe mais provável de cada imagem.",
    "Truth": "Verdade",
    "Decided": "Decidido",
    # Heat maps
    "Where it looks": "Para onde olha",
    "The same validation images through the whole run, as the network sees them. "
    "Warm colours speak for the decision.": (
        "As mesmas imagens de validação durante todo o treino, como a rede as vê. "
        "As cores quentes falam a favor da decisão."
    ),
    "Heat map": "Mapa de calor",
    "Truth: {name}": "Verdade: {name}",
    "right": "certo",
    "wrong": "errado",
    # Notices
    "Notices": "Avisos",
    "Warning": "Aviso",
    "Nothing to report.": "Nada a assinalar.",
    "Files left out: {n}": "Ficheiros deixados de fora: {n}",
    # Plan
    "The plan": "O plano",
    "{train} images to learn from, {val} to choose by, {test} to measure with, once, at the end.": (
        "{train} imagens para aprender, {val} para escolher, {test} para medir, uma só vez, no fim."
    ),
    "{both} images in {folds} folds, each held out once; {test} to measure with, once, at the end.": (
        "{both} imagens em {folds} dobras, cada uma deixada de fora uma vez; {test} para medir, uma só vez, no fim."
    ),
    "{phase}, fold {fold}": "{phase}, dobra {fold}",
    "Model: {model}, on {colours} images of {size} px.": "Modelo: {model}, com imagens {colours} de {size} px.",
    "grey": "em cinzento",
    "colour": "a cores",
    "Phase {number} of {of}, {name}: {what}. At most {epochs} epochs, learning rate {rate}.": (
        "Fase {number} de {of}, {name}: {what}. No máximo {epochs} épocas, taxa de aprendizagem {rate}."
    ),
    "Phase {number} of {of}, {name}: {what}. It is solved for {n} strengths of the penalty, without steps.": (
        "Fase {number} de {of}, {name}: {what}. É resolvida com {n} forças da penalização, sem passos."
    ),
    "a head learns on what the frozen network sees": "uma cabeça aprende com o que vê a rede congelada",
    "the whole network learns": "toda a rede aprende",
    "the network from stage {stage} on learns as well": "a rede, do estágio {stage} em diante, também aprende",
    "Images are also shown turned, shifted and otherwise changed.": (
        "As imagens são também mostradas rodadas, deslocadas e alteradas de outras formas."
    ),
    "Images are shown as they are.": "As imagens são mostradas tal como são.",
    # Resources
    "This computer": "Este computador",
    "Processor": "Processador",
    "{n} processors": "{n} processadores",
    "Memory of lince": "Memória do lince",
    "of {total}": "de {total}",
    "Disk": "Disco",
    "{free} free": "{free} livres",
    "Memory of the GPU": "Memória da GPU",
    "The last five minutes.": "Os últimos cinco minutos.",
    # The end
    "Figures on the test images": "Resultados nas imagens de teste",
    "{n} images, opened once, with 95 % intervals.": ("{n} imagens, abertas uma só vez, com intervalos de 95 %."),
    "{n} images of {groups} patients or groups, opened once, with 95 % intervals.": (
        "{n} imagens de {groups} doentes ou grupos, abertas uma só vez, com intervalos de 95 %."
    ),
    "for {name}": "para {name}",
    "Images of the rarest class: {n}. Read the intervals, not the figures.": (
        "Imagens da classe mais rara: {n}. Leia os intervalos, não os números."
    ),
    "Figure": "Medida",
    "Value": "Valor",
    "95% interval": "Intervalo de 95%",
    "Sensitivity": "Sensibilidade",
    "Specificity": "Especificidade",
    "PPV": "VPP",
    "NPV": "VPN",
    "Accuracy": "Exatidão",
    "Balanced accuracy": "Exatidão equilibrada",
    "Open the report": "Abrir o relatório",
    "Research use only; not a medical device.": "Apenas para investigação; não é um dispositivo médico.",
    "This page lives in lince on this computer and nowhere else.": (
        "Esta página vive no lince, neste computador, e em mais lado nenhum."
    ),
}


def choose(accept_language: str) -> Language:
    """The browser's best language among those of the page; English where it has none of them."""
    for tag in preferred(accept_language):
        if tag.lower().startswith("pt"):
            return "pt"
        if tag.lower().startswith("en"):
            return "en"
    return "en"


@final
class Wording:
    """Speaks one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    @property
    def messages(self) -> dict[str, str]:
        """English sentence to sentence of the language, for the script."""
        return PORTUGUESE if self.language == "pt" else {}

    def __call__(self, sentence: str, /, **values: object) -> str:
        """A sentence in the language, with its values."""
        return self.messages.get(sentence, sentence).format(**values)

    def phase(self, name: str) -> str:
        """The name of a phase, such as ``fine-tuning-2``; what the language has no word for stays."""
        word, mark, number = name.rpartition("-")
        if mark and number.isdecimal():
            return f"{self.messages.get(word, word)} {number}"
        return self.messages.get(name, name)

    def count(self, value: int) -> str:
        """A whole number with a space that does not break between thousands."""
        return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")

    def plain(self, value: float) -> str:
        """A number in as few digits as it needs."""
        text = f"{value:g}"
        return text.replace(".", ",") if self.language == "pt" else text
