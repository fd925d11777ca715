"""The model card in Portuguese: English sentence to Portuguese sentence."""

from __future__ import annotations

from lince.inference.card.texts_learning import OF_LEARNING

PORTUGUESE = {
    **OF_LEARNING,
    # Head and sections
    "For research use. Not a medical device: not for diagnosis, treatment or triage.": (
        "Apenas para investigação. Não é um dispositivo médico: não serve para diagnóstico, tratamento ou triagem."
    ),
    "Trained on SYNTHETIC images (computer-made phantoms): it knows nothing of real patients.": (
        "Treinado com imagens SINTÉTICAS (fantomas gerados por computador): nada sabe de doentes reais."
    ),
    "Measured on SYNTHETIC images (computer-made phantoms): the figures say nothing of real patients.": (
        "Medido em imagens SINTÉTICAS (fantomas gerados por computador): os números nada dizem de doentes reais."
    ),
    "What it is for": "Para que serve",
    "What it is not for": "Para que não serve",
    "Data": "Dados",
    "Preparation of images": "Preparação das imagens",
    "Model and training": "Modelo e treino",
    "Probabilities and decisions": "Probabilidades e decisões",
    "This evaluation": "Esta avaliação",
    "Limits": "Limites",
    "Checklists": "Listas de verificação",
    "Needs a human: who is to use it, on which patients, and at which point of their care.": (
        "Falta uma pessoa dizer: quem o deve usar, em que doentes e em que ponto dos cuidados."
    ),
    "Diagnosis, treatment or triage: it is not a medical device.": (
        "Diagnóstico, tratamento ou triagem: não é um dispositivo médico."
    ),
    "Images of another kind, and findings other than its classes: it has no word for them.": (
        "Imagens de outro tipo, e achados fora das suas classes: não tem palavra para eles."
    ),
    "Other devices, populations or protocols before it has been measured there: `lince evaluate`.": (
        "Outros equipamentos, populações ou protocolos antes de lá ter sido medido: `lince evaluate`."
    ),
    "Needs a human: where, when and with which devices the images were taken, from whom, and who set the labels how.": (
        "Falta uma pessoa dizer: onde, quando e com que equipamentos foram feitas as imagens, de quem, e quem pôs as "
        "etiquetas e como."
    ),
    # Use and data
    "Made for research: to tell {classes} apart in images like those of the collection {name}.": (
        "Feito para investigação: distinguir {classes} em imagens como as da coleção {name}."
    ),
    "No class stands out as the positive one.": "Nenhuma classe se destaca como a positiva.",
    "Sensitivity, specificity and the operating point speak of one class, positive: {positive}.": (
        "A sensibilidade, a especificidade e o ponto de operação referem-se a uma classe, a positiva: {positive}."
    ),
    "Collection {name}: {n} images; digest {digest}.": "Coleção {name}: {n} imagens; resumo criptográfico {digest}.",
    "Images by part: {parts}.": "Imagens por parte: {parts}.",
    "Patients, cases or slides as the source names them: {told}.": (
        "Doentes, casos ou lâminas, como a fonte os nomeia: {told}."
    ),
    "The quick audit looked for copies, missing groups and the balance of the classes. Notices, below: {n}.": (
        "A auditoria rápida procurou cópias, grupos em falta e o equilíbrio das classes. Avisos: {n}, abaixo."
    ),
    "The quick audit found nothing to tell: copies, missing groups, balance of the classes.": (
        "A auditoria rápida nada achou que dizer: cópias, grupos em falta, equilíbrio das classes."
    ),
    "Only images with {conditions} were taken.": "Só foram tomadas imagens com {conditions}.",
    "Every file could be read.": "Todos os ficheiros puderam ser lidos.",
    "Files that could not be used and were left out: {n}; the report of the bundle names them with the reason.": (
        "Ficheiros que não puderam ser usados e ficaram de fora: {n}; o relatório do modelo nomeia-os com o motivo."
    ),
    "The parts of the source were kept although {n} patients, groups or sets of near-duplicates stand in more than one "
    "of them: the figures may flatter.": (
        "As partes da fonte foram mantidas, embora {n} doentes, grupos ou conjuntos de quase duplicados estejam em "
        "mais de uma: os números podem favorecer o modelo."
    ),
    "No patient or group, as the source names them, stands in more than one part.": (
        "Nenhum doente ou grupo, como a fonte os nomeia, está em mais de uma parte."
    ),
    "The source names the patient of some images only. No such patient and no near-duplicates stand in more than one "
    "part.": (
        "A fonte só nomeia o doente de algumas imagens. Nenhum desses doentes e nenhuma imagem quase duplicada estão "
        "em mais de uma parte."
    ),
    "The source names no patients. No near-duplicates stand in more than one part, but images of one patient that "
    "differ more may.": (
        "A fonte não nomeia doentes. Imagens quase duplicadas não estão em mais de uma parte, mas imagens mais "
        "diferentes do mesmo doente podem estar."
    ),
    "The parts are those of the source.": "As partes são as da fonte.",
    "The source gives {given}; the rest was drawn from there with seed {seed}.": (
        "A fonte dá {given}; o resto foi sorteado daí com a semente {seed}."
    ),
    "Drawn with seed {seed}, class by class and whole groups: 70% train, 15% val, 15% test.": (
        "Sorteadas com a semente {seed}, classe a classe e com grupos inteiros: 70% treino, 15% validação, 15% teste."
    ),
    "Train and val together made {n} folds; test stayed apart.": (
        "Treino e validação em conjunto formaram {n} dobras; o teste ficou à parte."
    ),
    "Images (patients or groups)": "Imagens (doentes ou grupos)",
    # Preparation
    "Each image becomes {size} × {size} px, {colour}; one that is not square is {fit}; its range is {range}; then "
    "(pixel − mean) / deviation. Training and use share this recipe ({hash}).": (
        "Cada imagem passa a {size} × {size} px, {colour}; se não for quadrada, é {fit}; a gama é {range}; depois "
        "(pixel − média) / desvio. O treino e o uso partilham esta receita ({hash})."
    ),
    "padded with black": "completada com preto",
    "cropped to the largest square in the middle": "cortada ao maior quadrado do meio",
    "stretched to a square": "esticada até ao quadrado",
    "grey": "cinzento",
    "RGB": "RGB",
    "that of the file's number type": "a do tipo de número do ficheiro",
    "stretched from the 0.5th to the 99.5th percentile of each image": (
        "esticada do percentil 0,5 ao 99,5 de cada imagem"
    ),
    "It reads the pixels of one image and nothing else: no age, no history, no other image.": (
        "Lê os píxeis de uma imagem e mais nada: nem idade, nem história clínica, nem outra imagem."
    ),
    # Decisions and trust
    "Calibration: none; on {on} it would not have helped.": "Calibração: nenhuma; para {on} não teria ajudado.",
    "temperature {value}": "temperatura {value}",
    "a scale and a shift for each class": "uma escala e um desvio por classe",
    "Calibration: {how}, fitted on {on}.": "Calibração: {how}, ajustada com {on}.",
    "out of fold": "fora da dobra",
    "local": "local",
    "local images": "imagens locais",
    "the validation images": "as imagens de validação",
    "the images of each fold by a model that did not see them": (
        "as imagens de cada dobra por um modelo que não as viu"
    ),
    "Recalibrated {time} with lince {version} on {n} images of {collection}: calibration, operating point and "
    "limits of trust were fitted anew on them; the weights are as trained.": (
        "Recalibrado em {time} com o lince {version} em {n} imagens de {collection}: a calibração, o ponto de operação "
        "e os limites de confiança foram ajustados de novo com elas; os pesos são os do treino."
    ),
    "What counts as a known kind of image was widened to these images.": (
        "Alargou-se a estas imagens o que conta como tipo de imagem conhecido."
    ),
    "No neural network. Classifier: {name}, on standardised descriptors of texture, intensity and form.": (
        "Sem rede neuronal. Classificador: {name}, sobre descritores normalizados de textura, intensidade e forma."
    ),
    "One classifier, no ensemble.": "Um classificador, sem conjunto.",
    "Training: {n} settings compared by cross-validation on training images, by log loss.": (
        "Treino: {n} configurações comparadas por validação cruzada nas imagens de treino, pela perda logarítmica."
    ),
    "Output: a probability for each class; decided is the most likely one.": (
        "Saída: uma probabilidade por classe; decide-se a mais provável."
    ),
    "Output: a probability for each class; decided is {positive} from a probability of {threshold} on, else the most "
    "likely other class.": (
        "Saída: uma probabilidade por classe; decide-se {positive} a partir de uma probabilidade de {threshold}, senão "
        "a mais provável das outras classes."
    ),
    "Operating point: {threshold}. Aim: {aim} ({given}). Fixed on {on}; there it had sensitivity {sensitivity} and "
    "specificity {specificity}.": (
        "Ponto de operação: {threshold}. Objetivo: {aim} ({given}). Fixado com {on}; aí teve sensibilidade "
        "{sensitivity} e especificidade {specificity}."
    ),
    "Operating point: {threshold}. Aim: {aim} ({given}). Fixed on {on} with the bundle, before the test images were "
    "looked at; there it had sensitivity {sensitivity} and specificity {specificity}.": (
        "Ponto de operação: {threshold}. Objetivo: {aim} ({given}). Fixado com {on} e com o modelo, antes de "
        "se olhar para as de teste; aí teve sensibilidade {sensitivity} e especificidade {specificity}."
    ),
    "the largest sum of sensitivity and specificity": "a maior soma da sensibilidade e da especificidade",
    "the lowest cost, {fn} for a missed case and {fp} for a false alarm": (
        "o menor custo, {fn} por caso perdido e {fp} por falso alarme"
    ),
    "a sensitivity of at least {target}, then the best specificity": (
        "uma sensibilidade de pelo menos {target}, depois a melhor especificidade"
    ),
    "a specificity of at least {target}, then the best sensitivity": (
        "uma especificidade de pelo menos {target}, depois a melhor sensibilidade"
    ),
    "No prediction sets: no class had enough held-out images for them.": (
        "Sem conjuntos de previsão: nenhuma classe teve imagens retidas bastantes."
    ),
    "Prediction sets hold the true class for {share} of the images of each class, as long as new images come as these "
    "did; held-out images they were found from: {each}.": (
        "Os conjuntos de previsão contêm a classe verdadeira em {share} das imagens de cada classe, desde que as novas "
        "imagens cheguem como estas; imagens retidas de onde saíram: {each}."
    ),
    "Too few images for a prediction set: {few}; always part of the set.": (
        "Poucas imagens para um conjunto de previsão: {few}; faz sempre parte do conjunto."
    ),
    "A decision with a probability under {share} is flagged.": (
        "Uma decisão com probabilidade inferior a {share} é assinalada."
    ),
    "{share} referred: {error} wrong": "{share} remetidas: {error} erradas",
    "If the least certain decisions are referred to a person, on {on}: {left}.": (
        "Se as decisões menos certas forem remetidas a uma pessoa, para {on}: {left}."
    ),
    "Images unlike the training images are refused; it is no proof that the others are suitable.": (
        "Imagens diferentes das do treino são recusadas; isso não prova que as outras sirvam."
    ),
    "It answers for every image it is given, also for images of something else.": (
        "Responde a qualquer imagem que lhe deem, também a imagens de outra coisa."
    ),
    "A file that cannot be read gets a reason in place of an answer; a blank image is flagged.": (
        "Um ficheiro que não se pode ler recebe um motivo em vez de resposta; uma imagem vazia é assinalada."
    ),
    # Figures and limits
    "On the {n} test images: {told}.": "Nas {n} imagens de teste: {told}.",
    "Measures: AUC; sensitivity, specificity, PPV, NPV, F1, accuracy and MCC of the decisions; Brier score, log loss, "
    "calibration error and slope of the probabilities; net benefit. The report says what each means.": (
        "Medidas: AUC; sensibilidade, especificidade, VPP, VPN, F1, exatidão e CCM das decisões; índice de Brier, "
        "perda logarítmica, erro e declive da calibração das probabilidades; benefício líquido. O relatório diz o que "
        "cada uma significa."
    ),
    "Measures: AUC of each class against the rest; accuracy, macro F1 and MCC of the decisions; Brier score, log loss "
    "and calibration error of the probabilities. The report says what each means.": (
        "Medidas: AUC de cada classe contra as restantes; exatidão, F1 médio e CCM das decisões; índice de Brier, "
        "perda logarítmica e erro de calibração das probabilidades. O relatório diz o que cada uma significa."
    ),
    "Intervals at 95%: {names}.": "Intervalos a 95%: {names}.",
    "AUC over {n} folds, mean: {mean}.": "AUC em {n} dobras, média: {mean}.",
    "images": "imagens",
    "{name} [95%]": "{name} [95%]",
    "On the {part} images calibration and operating point were chosen, so figures there flatter.": (
        "Foi nas imagens de {part} que se escolheram a calibração e o ponto de operação, pelo que aí os números "
        "favorecem o modelo."
    ),
    "The test images come from the same collection as the training images; other devices, populations and protocols "
    "may give worse figures. Measure on your own images before relying on it: `lince evaluate`.": (
        "As imagens de teste são da mesma coleção que as do treino; outros equipamentos, populações e protocolos podem "
        "dar piores números. Meça nas suas imagens antes de confiar nele: `lince evaluate`."
    ),
    "Not measured yet with these limits: `lince evaluate`, on images that they were not fitted on.": (
        "Ainda não foi medido com estes limites: `lince evaluate`, em imagens em que não foram ajustados."
    ),
    "No test image of: {names}.": "Sem imagens de teste de: {names}.",
    # Evaluation
    "Measured on {n} images ({part}) of {name}, {created}. Files that could not be used: {skipped}.": (
        "Medido em {n} imagens ({part}) de {name}, {created}. Ficheiros que não puderam ser usados: {skipped}."
    ),
    "Measured on {n} images ({part}) of {name}, from {groups} patients or groups, {created}. Files that could not be "
    "used: {skipped}.": (
        "Medido em {n} imagens ({part}) de {name}, de {groups} doentes ou grupos, {created}. Ficheiros que não puderam "
        "ser usados: {skipped}."
    ),
    "{share} of these images were used in training: the figures are too good.": (
        "{share} destas imagens foram usadas no treino: os números são bons demais."
    ),
    "On these images, decided from a probability of {threshold} (the point for {aim}, chosen for this evaluation on "
    "held-out predictions of the training; the bundle keeps its own): {told}.": (
        "Nestas imagens, decidido a partir de uma probabilidade de {threshold} (o ponto para {aim}, escolhido para "
        "esta avaliação em previsões reservadas do treino; o modelo mantém o seu): {told}."
    ),
    "On these images: {told}.": "Nestas imagens: {told}.",
    "The evaluation changed nothing in the model: weights, calibration and limits are as before.": (
        "A avaliação nada mudou no modelo: pesos, calibração e limites são os de antes."
    ),
    "report.html shows the surest errors, the surest hits and the least sure decisions with their heat maps.": (
        "report.html mostra os erros e os acertos mais seguros e as decisões menos seguras, com os mapas de calor."
    ),
    "Heat maps by Grad-CAM; nobody has validated them for these images.": (
        "Mapas de calor por Grad-CAM; ninguém os validou para estas imagens."
    ),
    "The prediction sets held the true class for this share of its images: {each}.": (
        "Os conjuntos de previsão continham a classe verdadeira nesta parte das suas imagens: {each}."
    ),
    "{share} of the images would be refused as unlike the training images.": (
        "{share} das imagens seriam recusadas por serem diferentes das do treino."
    ),
    "Figures by {names} are in report.html; differences that hold after correction: {n}.": (
        "Os resultados por {names} estão em report.html; diferenças que se mantêm após correção: {n}."
    ),
    "This collection is not the one of the training: report.html holds the figures against those of {name}.": (
        "Esta coleção não é a do treino: report.html compara os resultados com os de {name}."
    ),
    "report.html compares the pictures with those of the training by their statistics.": (
        "report.html compara as imagens com as do treino pelas suas estatísticas."
    ),
    # Checklists
    "Numbers follow the published checklists; what the items ask for is said in our words, so read the original before "
    "you submit. An item is filled only where lince knows the answer.": (
        "Os números seguem as listas publicadas; o que os pontos pedem está nas nossas palavras, por isso leia o "
        "original antes de submeter. Um ponto só está preenchido onde o lince sabe a resposta."
    ),
    "{left} of {n} items need a human.": "Pontos que precisam de uma pessoa: {left} de {n}.",
    "**filled**": "**preenchido**",
    "needs a human": "falta uma pessoa",
    "Known so far: {told}": "Sabe-se até agora: {told}",
    "see {numbers}": "ver {numbers}",
    "An item that repeats another points to it; in brackets, where the card says it.": (
        "Um ponto que repete outro remete para ele; entre parênteses, onde a ficha o diz."
    ),
    "Item": "Ponto",
    "Status": "Estado",
    "What lince knows": "O que o lince sabe",
}
