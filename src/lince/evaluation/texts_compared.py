"""The Portuguese of the sections on subgroups, another bundle and another collection."""

from __future__ import annotations

from lince.evaluation import differences, lacking
from lince.evaluation.banding import OTHERS

COMPARED = {
    "{n} of the {total} images are refused as another kind of image: figures on them say little about the images that "
    "the model was made for.": (
        "{n} das {total} imagens são recusadas como de outro tipo: os resultados nelas dizem pouco sobre as imagens "
        "para que o modelo foi feito."
    ),
    "observed: {share}": "observada: {share}",
    "Wrong decisions among the others, when the least certain ones are left to a person": (
        "Decisões erradas entre as outras, quando as menos certas são deixadas a uma pessoa"
    ),
    # Reliance
    "When to rely on it": "Quando confiar nele",
    "The limits were fixed with the bundle, before these images were looked at.": (
        "Os limites foram fixados com o modelo, antes de se olhar para estas imagens."
    ),
    "Prediction sets, made to hold the true class of {share} of the images of each class": (
        "Conjuntos de previsão, feitos para conter a classe verdadeira de {share} das imagens de cada classe"
    ),
    "of its images, those whose set holds it": "das suas imagens, as que a têm no conjunto",
    "One class in the set": "Uma só classe no conjunto",
    "the answer is clear": "a resposta é clara",
    "No class in the set": "Nenhuma classe no conjunto",
    "no class fits well": "nenhuma classe se ajusta bem",
    "Kind of image": "Tipo de imagem",
    "Refused": "Recusadas",
    "unlike the training images": "diferentes das imagens de treino",
    "Made to refer {share}": "Feito para encaminhar {share}",
    "{share} of these images referred": "{share} destas imagens encaminhadas",
    "None referred": "Nenhuma encaminhada",
    "Brightness": "Luminosidade",
    "Contrast": "Contraste",
    "Black areas": "Áreas pretas",
    "White areas": "Áreas brancas",
    "Darkest tones": "Tons mais escuros",
    "Brightest tones": "Tons mais claros",
    "Edges": "Contornos",
    "Grain": "Grão",
    "Fine detail": "Pormenor fino",
    "Empty areas": "Áreas vazias",
    "Left against right": "Esquerda face à direita",
    "Colour": "Cor",
    # Another collection
    "Does it still work here?": "Ainda funciona aqui?",
    "This collection is not the one that the bundle comes from ({name}), and hardly any of its images were used in "
    "training.": (
        "Esta coleção não é aquela de onde vem o modelo ({name}) e quase nenhuma das suas imagens foi usada no treino."
    ),
    "Whether it works as well as on its own test images cannot be said: the figures to compare are missing.": (
        "Não se pode dizer se funciona tão bem como nas suas próprias imagens de teste: faltam os valores a comparar."
    ),
    "Not as well as on its own test images: {figures}.": (
        "Não tão bem como nas suas próprias imagens de teste: {figures}."
    ),
    "{figure} {here} instead of {there}": "{figure} {here} em vez de {there}",
    "Yes, as far as these images tell: no figure fell by more than chance can explain, and a fall of {points} points "
    "or more is unlikely.": (
        "Sim, tanto quanto estas imagens mostram: nenhum valor desceu mais do que o acaso explica, e uma descida de "
        "{points} pontos ou mais é improvável."
    ),
    "No fall is proven, but there are too few images to rule one out: {figure} may be up to {points} points lower than "
    "on the bundle's own test images.": (
        "Nenhuma descida está provada, mas há poucas imagens para a excluir: {figure} pode estar até {points} pontos "
        "abaixo do valor nas imagens de teste do próprio modelo."
    ),
    "Its probabilities are {predicted} on average, and {observed} was observed; there are too few images to judge.": (
        "As suas probabilidades são em média {predicted}, e observou-se {observed}; há poucas imagens para julgar."
    ),
    "Its probabilities are too high here: {predicted} on average, and {observed} was observed.": (
        "As suas probabilidades são aqui demasiado altas: {predicted} em média, e observou-se {observed}."
    ),
    "Its probabilities are too low here: {predicted} on average, and {observed} was observed.": (
        "As suas probabilidades são aqui demasiado baixas: {predicted} em média, e observou-se {observed}."
    ),
    "Its probabilities fit on average: {predicted} predicted, {observed} observed.": (
        "As suas probabilidades estão certas em média: previsto {predicted}, observado {observed}."
    ),
    "Recalibrated on {k} local images, its probabilities would be better: Brier score {after} instead of {before}.": (
        "Recalibrado com {k} imagens locais, teria melhores probabilidades: índice de Brier {after} em vez de {before}."
    ),
    "Recalibrating on {k} local images would not make its probabilities better.": (
        "Recalibrar com {k} imagens locais não melhoraria as probabilidades."
    ),
    "Here": "Aqui",
    "Own test images": "Imagens de teste próprias",
    "Difference": "Diferença",
    "Predicted and observed share of {positive}": "Parte prevista e observada de {positive}",
    "Predicted and observed share of right decisions": "Parte prevista e observada de decisões certas",
    "Differences of proportions are in percentage points. Their intervals use both intervals (Newcombe).": (
        "As diferenças de proporções estão em pontos percentuais. Os seus intervalos usam ambos os intervalos "
        "(Newcombe)."
    ),
    "What recalibrating on local images would give": "O que daria recalibrar com imagens locais",
    "Intercept, slope and operating point are fitted on so many images, drawn by patient or group, and measured on the "
    "others; mean of repeated draws and the range of 95% of them. Of the positive class against the rest.": (
        "Ordenada na origem, declive e ponto de operação são ajustados nesse número de imagens, sorteadas por doente "
        "ou grupo, e medidos nas restantes; média de sorteios repetidos e a faixa de 95% deles. Da classe positiva "
        "contra as restantes."
    ),
    "The command lince recalibrate is more careful: it changes the calibration only where that clearly helps, an "
    "intercept for each class only with 30 images of each.": (
        "O comando lince recalibrate é mais cauteloso: só muda a calibração onde isso ajuda claramente, e uma ordenada "
        "na origem por classe só com 30 imagens de cada."
    ),
    "Local images": "Imagens locais",
    "Draws": "Sorteios",
    "summed over the classes": "somado sobre as classes",
    "as it is": "tal como está",
    "No recalibration was tried:": "Não se tentou recalibrar:",
    "How these images differ from those of the training": "Como estas imagens diferem das do treino",
    "Measured": "Medido",
    "Unusual images": "Imagens invulgares",
    # Another bundle
    "Beside another bundle": "Ao lado de outro modelo",
    "On these {n} images, {second} names the right class for {k} more than {first}; {verdict}.": (
        "Nestas {n} imagens, {second} dá a classe certa a mais {k} do que {first}; {verdict}."
    ),
    "On these {n} images, {second} names the right class for {k} fewer than {first}; {verdict}.": (
        "Nestas {n} imagens, {second} dá a classe certa a menos {k} do que {first}; {verdict}."
    ),
    "On these {n} images, {second} and {first} name the right class equally often.": (
        "Nestas {n} imagens, {second} e {first} dão a classe certa com igual frequência."
    ),
    "On these {n} images, {second} finds {k} more of the {m} labelled {positive} than {first}; {verdict}.": (
        "Nestas {n} imagens, {second} encontra mais {k} das {m} de {positive} do que {first}; {verdict}."
    ),
    "On these {n} images, {second} finds {k} fewer of the {m} labelled {positive} than {first}; {verdict}.": (
        "Nestas {n} imagens, {second} encontra menos {k} das {m} de {positive} do que {first}; {verdict}."
    ),
    "On these {n} images, {second} and {first} find equally many of the {m} labelled {positive}.": (
        "Nestas {n} imagens, {second} e {first} encontram o mesmo número das {m} de {positive}."
    ),
    "{second} raises {k} more false alarms on the {m} others; {verdict}.": (
        "{second} dá mais {k} falsos alarmes nas {m} restantes; {verdict}."
    ),
    "{second} raises {k} fewer false alarms on the {m} others; {verdict}.": (
        "{second} dá menos {k} falsos alarmes nas {m} restantes; {verdict}."
    ),
    "Both raise equally many false alarms on the {m} others.": (
        "Ambos dão o mesmo número de falsos alarmes nas {m} restantes."
    ),
    "AUC of {second}: {b}, of {first}: {a}; {verdict}.": "AUC de {second}: {b}, de {first}: {a}; {verdict}.",
    "whether that is chance cannot be said": "não se pode dizer se é acaso",
    "that is hardly chance ({p})": "dificilmente é acaso ({p})",
    "the difference may be chance ({p})": "a diferença pode ser acaso ({p})",
    "The same {n} images. Difference: {second} minus {first}; of proportions in percentage points.": (
        "As mesmas {n} imagens. Diferença: {second} menos {first}; a de proporções em pontos percentuais."
    ),
    "Only one right": "Só um acerta",
    "Only one right: images that only {first} / only {second} judges rightly.": (
        "Só um acerta: imagens em que só {first} / só {second} acerta."
    ),
    "Both have an AUC of {a}.": "Ambos têm uma AUC de {a}.",
    "Net reclassification at the two operating points": "Reclassificação líquida nos dois pontos de operação",
    "Now called positive": "Passam a positivas",
    "No longer called positive": "Deixam de ser positivas",
    "Net, in points": "Saldo, em pontos",
    "the others": "as restantes",
    "Sum of both": "Soma das duas",
    "Positive means moved in the right direction. The sum lies between −200 and 200 and weighs a missed case like a "
    "false alarm.": (
        "Um saldo positivo vai no sentido certo. A soma fica entre −200 e 200 e dá o mesmo peso a um caso falhado e a "
        "um falso alarme."
    ),
    # Subgroups
    "Subgroups": "Subgrupos",
    "Subgroup": "Subgrupo",
    "Figures by subgroup": "Resultados por subgrupo",
    "No subgroup is large enough to be compared with the rest.": (
        "Nenhum subgrupo é grande que chegue para ser comparado com o resto."
    ),
    "No subgroup differs from the rest by more than chance can explain ({n} comparisons, Holm's correction). That is "
    "no proof that they are alike.": (
        "Nenhum subgrupo difere do resto mais do que o acaso explica ({n} comparações, correção de Holm). Isso não "
        "prova que sejam iguais."
    ),
    "Too small to compare, fewer than 10 images of a class there or in the rest: {n} of {total} subgroups.": (
        "Pequenos demais para comparar, com menos de 10 imagens de uma classe aí ou no resto: {n} de {total} subgrupos."
    ),
    "Too small to compare, fewer than 20 images there or in the rest: {n} of {total} subgroups.": (
        "Pequenos demais para comparar, com menos de 20 imagens aí ou no resto: {n} de {total} subgrupos."
    ),
    "{attribute} is not recorded for {n} of {total} images.": (
        "{attribute} não está registado em {n} de {total} imagens."
    ),
    "{attribute} {value} ({n} images): {figure} {here}, in the rest {rest} ({p}, corrected).": (
        "{attribute} {value} ({n} imagens): {figure} {here}, no resto {rest} ({p}, corrigido)."
    ),
    "Dashed: all images. Orange: differs from the rest. Hollow: too few images to compare.": (
        "Tracejado: todas as imagens. Laranja: difere do resto. Vazio: poucas imagens para comparar."
    ),
    "Each figure with its difference from the other images whose attribute is recorded; of proportions in percentage "
    "points. A difference is marked only where it holds after Holm's correction for all {n} comparisons.": (
        "Cada valor com a diferença para as outras imagens em que o atributo está registado; a de proporções em pontos "
        "percentuais. Só é assinalada a diferença que se mantém após a correção de Holm para as {n} comparações."
    ),
    "PPV also follows how common the class is in a subgroup.": (
        "O VPP depende também de quão frequente é a classe no subgrupo."
    ),
    "not recorded: {n}": "não registado: {n}",
    "small": "pequeno",
    OTHERS: "(outros valores)",
    "p is corrected. The differences of small subgroups are in subgroups.csv.": (
        "O p está corrigido. As diferenças dos subgrupos pequenos estão em subgroups.csv."
    ),
    "{n} positive": "{n} positivas",
    "difference": "diferença",
    # Methods and reasons
    differences.NEWCOMBE: "a partir de ambos os intervalos (Newcombe)",
    differences.NEWCOMBE_PAIRED: "Newcombe, emparelhado",
    differences.DELONG_PAIRED: "DeLong, emparelhado",
    differences.MCNEMAR: "McNemar, exato",
    differences.MCNEMAR_GROUPS: "McNemar, com o doente/grupo como unidade",
    differences.RANGE_OF_DRAWS: "faixa de 95 % dos sorteios",
    lacking.NO_FIGURE: "um dos dois valores não existe",
    lacking.NO_INTERVAL: "sem intervalo: um dos dois valores não o tem",
    lacking.NO_REST: "não há outras imagens com este atributo",
    lacking.SAME_DECISIONS: "ambos decidem de igual modo em todas estas imagens",
    lacking.SAME_RANKING: "ambos ordenam estas imagens de igual modo",
    lacking.NO_OWN_FIGURES: "o modelo não traz este valor das suas próprias imagens de teste",
    lacking.RECALIBRATION_NO_POSITIVE: "recalibrar exige uma classe positiva, e este modelo não a tem",
    lacking.RECALIBRATION_ONE_CLASS: "recalibrar exige imagens da classe positiva e de outra",
    lacking.RECALIBRATION_FEW: "há poucas imagens: recalibrar exige 20, e mais 20 para o medir",
    lacking.RECALIBRATION_DRAWS: "poucos sorteios tinham imagens das duas classes",
}  # fmt: skip
