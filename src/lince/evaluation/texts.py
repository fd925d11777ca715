"""The report in Portuguese: English sentence to Portuguese sentence."""

from __future__ import annotations

from collections.abc import Callable

from lince.evaluation import intervals, sentences
from lince.evaluation.texts_compared import COMPARED

Translate = Callable[[str], str]

PORTUGUESE = {
    # Page
    "Synthetic phantoms, not patients": "Fantomas sintéticos, não doentes",
    "These images were made by a program. The figures say nothing about how the model would do on patients.": (
        "Estas imagens foram geradas por um programa. Os números nada dizem sobre o desempenho do modelo em doentes."
    ),
    "In plain words": "Em palavras simples",
    "Files that could not be used and are not counted: {n}. They are listed below.": (
        "Ficheiros que não puderam ser usados e não entram nas contas: {n}. A lista está abaixo."
    ),
    "Figures": "Resultados",
    "Positive class: {positive}.": "Classe positiva: {positive}.",
    "An image is called positive when its probability reaches {threshold}.": (
        "Uma imagem é dada como positiva quando a sua probabilidade atinge {threshold}."
    ),
    "Intervals at {level}.": "Intervalos a {level}.",
    "Figure": "Medida",
    "Value": "Valor",
    "Interval": "Intervalo",
    "Images": "Imagens",
    "Method": "Método",
    "PPV and NPV hold where the positive class is as common as here ({share}); where it is rarer, PPV is lower.": (
        "O VPP e o VPN valem onde a classe positiva é tão frequente como aqui ({share}); onde é mais rara, "
        "o VPP é menor."
    ),
    "Class by class": "Classe a classe",
    "Class": "Classe",
    "Decided": "Decididas",
    "positive": "positiva",
    "Plots": "Gráficos",
    "Wrong, and sure of it": "Erros com maior confiança",
    "{n} of {total} decisions were wrong. These are the ones the model was surest of: look at them first.": (
        "{n} de {total} decisões estavam erradas. Nestas, o modelo estava mais seguro: comece por elas."
    ),
    "Image": "Imagem",
    "Patient or group": "Doente ou grupo",
    "Truth": "Verdade",
    "Decision": "Decisão",
    "Confidence": "Confiança",
    "No decision was wrong.": "Nenhuma decisão estava errada.",
    "In pictures": "Em imagens",
    "Left the image, right the same with its heat map: the warmer, the more a place spoke for the decision. A heat map "
    "shows where the model looked, not that it was right to look there.": (
        "À esquerda a imagem, à direita a mesma com o mapa de calor: quanto mais quente, mais esse ponto pesou a favor "
        "da decisão. Um mapa de calor mostra para onde o modelo olhou, não que fez bem em olhar para lá."
    ),
    "These pictures come from the collection: whoever gets this page gets them too.": (
        "Estas imagens vêm da coleção: quem receber esta página recebe-as também."
    ),
    "Wrong, the surest first": "Erradas, com a maior confiança primeiro",
    "What misled it? Look for marks, borders, artefacts and doubtful labels.": (
        "O que enganou o modelo? Procure marcas, margens, artefactos e etiquetas duvidosas."
    ),
    "Right, the surest first": "Certas, com a maior confiança primeiro",
    "Is the evidence where it should be, or beside the finding?": "A evidência está onde devia, ou ao lado do achado?",
    "The least sure, right or wrong": "As menos seguras, certas ou erradas",
    "Would a person hesitate over these as well?": "Uma pessoa também hesitaria nestas?",
    "This image could not be read again.": "Não foi possível voltar a ler esta imagem.",
    "right": "certa",
    "no heat map: no place spoke for the decision more than the others": (
        "sem mapa de calor: nenhum ponto pesou mais do que os outros a favor da decisão"
    ),
    "Skipped files": "Ficheiros ignorados",
    "The first {n} of {total}; summary.json names them all.": "Os primeiros {n} de {total}; todos em summary.json.",
    "File": "Ficheiro",
    "Reason": "Motivo",
    "Where these figures come from": "De onde vêm estes resultados",
    "Model": "Modelo",
    "Collection": "Coleção",
    "{groups} patients or groups": "{groups} doentes ou grupos",
    "Made": "Criado",
    "Interval methods": "Métodos dos intervalos",
    "Research use only; not a medical device.": "Apenas para investigação; não é um dispositivo médico.",
    "Nothing here may decide about a patient without a qualified person.": (
        "Nada aqui decide sobre um doente sem uma pessoa qualificada."
    ),
    "test": "teste",
    "validation": "validação",
    "val": "validação",
    "train": "treino",
    "unseen": "não vistas no treino",
    "all": "todas",
    "{low} to {high}": "{low} a {high}",
    "Classes without images here: {names}.": "Classes sem imagens aqui: {names}.",
    "Where stated: for use where {stated} of the images are of the positive class; here it is {share}. "
    "That sensitivity and specificity are the same there is assumed.": (
        "Na prevalência indicada: para uso onde {stated} das imagens são da classe positiva; aqui são {share}. "
        "Supõe-se que a sensibilidade e a especificidade são lá as mesmas."
    ),
    "Does it tell them apart?": "Distingue-as?",
    "Can its probabilities be acted on?": "Pode agir-se com base nas probabilidades?",
    "What did it decide, and how did it learn?": "O que decidiu, e como aprendeu?",
    "What did it decide?": "O que decidiu?",
    "Who would act from a probability between {low} and {high} on does better with the model than by acting on all or "
    "on nobody.": (
        "Quem aja a partir de uma probabilidade entre {low} e {high} faz melhor com o modelo do que agindo em todos ou "
        "em ninguém."
    ),
    "At no threshold does the model do better than acting on all or on nobody.": (
        "Em nenhum limiar o modelo faz melhor do que agir em todos ou em ninguém."
    ),
    "Further figures": "Outras medidas",
    "For comparing models and for papers.": "Para comparar modelos e para artigos.",
    # Figures
    "Positive against the rest": "Classe positiva contra as restantes",
    "All classes": "Todas as classes",
    "Probabilities": "Probabilidades",
    "AUC": "AUC",
    "Macro AUC": "AUC média",
    "Sensitivity": "Sensibilidade",
    "Specificity": "Especificidade",
    "PPV": "VPP",
    "NPV": "VPN",
    "F1": "F1",
    "Accuracy": "Exatidão",
    "Balanced accuracy": "Exatidão equilibrada",
    "Macro F1": "F1 médio",
    "Brier score": "Índice de Brier",
    "Calibration error": "Erro de calibração",
    "Log loss": "Perda logarítmica",
    "PPV where stated": "VPP na prevalência indicada",
    "NPV where stated": "VPN na prevalência indicada",
    "the same at the stated prevalence": "o mesmo, na prevalência indicada",
    "Average precision": "Precisão média",
    "MCC": "CCM",
    "LR+": "RV+",
    "LR-": "RV-",
    "Calibration slope": "Declive da calibração",
    "Calibration intercept": "Ordenada da calibração",
    "Micro AUC": "AUC micro",
    "Top-2 accuracy": "Exatidão nas duas primeiras",
    "Top-3 accuracy": "Exatidão nas três primeiras",
    "mean PPV over the positives, by falling score": "VPP médio sobre as imagens positivas, por pontuação decrescente",
    "correlation of truth and decision, -1 to 1": "correlação entre a verdade e a decisão, de -1 a 1",
    "how much more often the positive than the others are called so": (
        "quantas vezes mais as positivas do que as outras são dadas como positivas"
    ),
    "how much more often the positive than the others are cleared": (
        "quantas vezes mais as positivas do que as outras são dadas como negativas"
    ),
    "1 is best; below, too extreme": "1 é o melhor; abaixo, probabilidades demasiado extremas",
    "0 is best; above, too low": "0 é o melhor; acima, probabilidades demasiado baixas",
    "AUC of all pairs of an image and a class": "AUC de todos os pares de imagem e classe",
    "the right class is one of the two likeliest": "a classe certa é uma das duas mais prováveis",
    "the right class is one of the three likeliest": "a classe certa é uma das três mais prováveis",
    "chance that an image of the positive class gets the higher score": (
        "probabilidade de uma imagem da classe positiva ter a pontuação mais alta"
    ),
    "of the positive images, the share that was found": "das imagens positivas, a parte encontrada",
    "of the other images, the share without a false alarm": "das outras imagens, a parte sem falso alarme",
    "of the images called positive, the share that was": "das imagens dadas como positivas, a parte que o era",
    "of the images called negative, the share that was": "das imagens dadas como negativas, a parte que o era",
    "harmonic mean of PPV and sensitivity": "média harmónica do VPP e da sensibilidade",
    "share of images given the right class": "parte das imagens com a classe certa",
    "mean over the classes of the share found": "média, entre as classes, da parte encontrada",
    "mean F1 of the classes": "média do F1 das classes",
    "mean AUC of each class against the rest": "média da AUC de cada classe contra as restantes",
    "squared error of the probabilities; 0 is best": "erro quadrático das probabilidades; 0 é o melhor",
    "mean gap between predicted and observed; 0 is best": "distância média entre previsto e observado; 0 é o melhor",
    "surprise at the truth, in nats; 0 is best": "surpresa perante a verdade, em nats; 0 é o melhor",
    # Plain words
    "The model {model} was measured on {n} images ({split}) of {collection}.": (
        "O modelo {model} foi medido em {n} imagens ({split}) de {collection}."
    ),
    "The model {model} was measured on {n} images ({split}) of {collection}, from {groups} patients or groups.": (
        "O modelo {model} foi medido em {n} imagens ({split}) de {collection}, de {groups} doentes ou grupos."
    ),
    "It found {k} of the {n} images labelled {positive}: sensitivity {value} ({level} interval {interval}).": (
        "Encontrou {k} das {n} imagens de {positive}: sensibilidade {value} (intervalo a {level}: {interval})."
    ),
    "There are no images labelled {positive} here: whether it finds them is unknown.": (
        "Não há aqui imagens de {positive}: não se sabe se as encontra."
    ),
    "It gave no false alarm on {k} of the {n} other images: specificity {value} ({level} interval {interval}).": (
        "Não deu falso alarme em {k} das {n} outras imagens: especificidade {value} (intervalo a {level}: {interval})."
    ),
    "There are no other images here: how often it raises a false alarm is unknown.": (
        "Não há aqui outras imagens: não se sabe com que frequência dá falso alarme."
    ),
    "Of an image labelled {positive} and one of another class, it scores the first higher {value} of the time.": (
        "Entre uma imagem de {positive} e uma de outra classe, pontua mais alto a primeira em {value} das vezes."
    ),
    "That is an AUC of {auc} ({level} interval {interval}).": (
        "É uma AUC de {auc} (intervalo a {level}: {interval})."
    ),
    "Where {share} of the images are {positive}, {value} of its alarms are right ({level} interval {interval}).": (
        "Onde {share} das imagens são {positive}, {value} dos seus alarmes estão certos "
        "(intervalo a {level}: {interval})."
    ),
    "It named the right class for {k} of {n} images: accuracy {value} ({level} interval {interval}).": (
        "Deu a classe certa a {k} de {n} imagens: exatidão {value} (intervalo a {level}: {interval})."
    ),
    "Averaged over the classes, its AUC is {auc} ({level} interval {interval}).": (
        "Em média entre as classes, a AUC é {auc} (intervalo a {level}: {interval})."
    ),
    "How sure: the widest of these intervals spans {points} points.": (
        "Grau de certeza: o maior destes intervalos tem {points} pontos."
    ),
    "Another sample like this one would most likely give similar figures.": (
        "Outra amostra como esta daria muito provavelmente resultados semelhantes."
    ),
    "The true figures may be several points better or worse.": (
        "Os valores verdadeiros podem ser vários pontos melhores ou piores."
    ),
    "There are too few images to say more than roughly how good the model is.": (
        "Há poucas imagens para dizer mais do que, aproximadamente, quão bom é o modelo."
    ),
    # Plots
    "Confusion matrix": "Matriz de confusão",
    "Images; shade is the share of the true class": "Imagens; a cor é a parte da classe verdadeira",
    "ROC curve": "Curva ROC",
    "No curve: it needs images of two classes": "Sem curva: são precisas imagens de duas classes",
    "1 - specificity (false alarms)": "1 - especificidade (falsos alarmes)",
    "Sensitivity (cases found)": "Sensibilidade (casos encontrados)",
    "Each class against the rest": "Cada classe contra as restantes",
    "{positive} against the rest": "{positive} contra as restantes",
    "Operating point: sensitivity {sensitivity}, specificity {specificity}": (
        "Ponto de operação: sensibilidade {sensitivity}, especificidade {specificity}"
    ),
    "Calibration": "Calibração",
    "Perfect": "Perfeita",
    "Observed, with interval": "Observada, com intervalo",
    "Observed frequency": "Frequência observada",
    "Predicted probability": "Probabilidade prevista",
    "Probability of {positive}": "Probabilidade de {positive}",
    "Probability that the most likely class is right": "Probabilidade de a classe mais provável estar certa",
    "Slope": "Declive",
    "Precision and recall": "Precisão e sensibilidade",
    "PPV (right when it says so)": "VPP (acerta quando o diz)",
    "Guessing": "Ao acaso",
    "Operating point: sensitivity {sensitivity}, PPV {ppv}": (
        "Ponto de operação: sensibilidade {sensitivity}, VPP {ppv}"
    ),
    "Decision curve": "Curva de decisão",
    "Acting on {positive}, {share} of the images": "Agir perante {positive}, {share} das imagens",
    "Act on nobody": "Não agir em ninguém",
    "Act on all": "Agir em todos",
    "Act on the model": "Agir segundo o modelo",
    "The model is worth most": "O modelo vale mais",
    "Operating point": "Ponto de operação",
    "Probability from which one would act": "Probabilidade a partir da qual se agiria",
    "Net benefit (cases found for each image)": "Benefício líquido (casos encontrados por imagem)",
    "Training": "Treino",
    "Validation": "Validação",
    "Loss": "Perda",
    "Validation AUC": "AUC de validação",
    "Epoch": "Época",
    "Best epoch: {epoch}": "Melhor época: {epoch}",
    "head": "cabeça",
    "fine-tuning": "ajuste fino",
    # Methods, reasons and notes
    intervals.WILSON: "Wilson",
    intervals.WILSON_GROUPS: "Wilson, com o doente/grupo como unidade",
    intervals.WILSON_SMALLEST: "Wilson, com o tamanho da menor classe",
    intervals.DELONG: "DeLong, escala logit",
    intervals.DELONG_CLUSTERS: "DeLong para grupos (Obuchowski), escala logit",
    intervals.SIMEL: "logaritmo da razão (Simel)",
    intervals.MERCALDO: "logit, na prevalência indicada (Mercaldo)",
    intervals.BOTH_ENDS: "extremos dos intervalos da sensibilidade e da especificidade em conjunto (largo)",
    intervals.WALD: "Wald, recalibração logística",
    intervals.WALD_GROUPS: "Wald, robusto a doentes/grupos",
    intervals.PAIRS: "Wilson, com a maior variância possível de uma AUC",
    intervals.BOOTSTRAP_IMAGES: "bootstrap sobre imagens",
    intervals.BOOTSTRAP_GROUPS: "bootstrap sobre doentes/grupos",
    sentences.NO_POSITIVE: "nenhuma classe foi indicada como positiva",
    sentences.NO_POSITIVES_HERE: "sem imagens da classe positiva",
    sentences.NO_NEGATIVES_HERE: "sem imagens de outra classe",
    sentences.NONE_CALLED_POSITIVE: "nenhuma imagem foi dada como positiva",
    sentences.NONE_CALLED_NEGATIVE: "nenhuma imagem foi dada como negativa",
    sentences.ONE_SIDE: "são precisas imagens desta classe e de outra",
    sentences.ONE_CLASS: "são precisas imagens de duas ou mais classes",
    sentences.NO_FALSE_ALARM: "sem falsos alarmes, pelo que a razão não tem limite superior",
    sentences.NONE_CLEARED: (
        "nenhuma imagem de outra classe foi dada como negativa, pelo que a razão não tem limite superior"
    ),
    sentences.NO_PREVALENCE: "não foi indicada uma prevalência",
    sentences.ONE_DECISION: "todas as imagens tiveram a mesma decisão",
    sentences.TWO_CLASSES: "com duas classes não diz mais do que a AUC",
    sentences.FEW_CLASSES: "o modelo tem poucas classes: acertaria sempre",
    sentences.SAME_SCORE: "todas as imagens têm a mesma probabilidade",
    sentences.SEPARATED: "as probabilidades separam as classes sem sobreposição, pelo que nenhum declive é o melhor",
    sentences.NO_SPREAD: "sem intervalo: as reamostras não variam",
    sentences.NO_RATIO_INTERVAL: "sem intervalo: um dos lados da razão conta poucas imagens",
    sentences.NO_INFORMATION: "sem intervalo: as probabilidades estão demasiado perto de 0 e 1 para tão poucas imagens",
    sentences.ONE_GROUP: "sem intervalo: todas as imagens vêm de um só doente ou grupo",
    sentences.NO_INTERVAL: "sem intervalo: poucas imagens para reamostrar",
    sentences.NO_ECE_INTERVAL: "sem intervalo: a reamostragem exagera o erro de calibração",
    sentences.NOTE_GROUPS: (
        "Há várias imagens do mesmo doente ou grupo, pelo que os intervalos tomam o doente ou grupo como unidade."
    ),
    sentences.NOTE_FEW_GROUPS: "Menos de 30 doentes ou grupos: os intervalos são provavelmente demasiado estreitos.",
    sentences.NOTE_ABSENT: (
        "Uma classe do modelo não tem imagens aqui; nada se sabe de como o modelo a reconhece."
    ),
    sentences.NOTE_CONSTANT: "Todas as imagens tiveram as mesmas probabilidades: o modelo não distingue nada.",
    **COMPARED,
}  # fmt: skip


def translator(language: str) -> Translate:
    """A function that says an English sentence in ``language``; what it does not know it repeats."""
    if language == "pt":
        return lambda sentence: PORTUGUESE.get(sentence, sentence)
    return lambda sentence: sentence
