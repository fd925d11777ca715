"""What the model card says of the model and its training, in Portuguese."""

from __future__ import annotations

OF_LEARNING = {
    # Networks and their phases
    "A deep-learning ensemble; its members were weighed on out-of-fold predictions.": (
        "Uma combinação de redes profundas, pesadas segundo previsões fora da dobra."
    ),
    "{n} members vote; each averages what was learned in {folds} folds.": (
        "Votam {n} membros; cada um é a média do que se aprendeu em {folds} dobras."
    ),
    "One member, which averages what was learned in {n} folds.": (
        "Um só membro, que é a média do que se aprendeu em {n} dobras."
    ),
    "Cross-validated, with the log loss out of fold: {each}.": (
        "Em validação cruzada, com a perda logarítmica fora da dobra: {each}."
    ),
    "{name} ({way}) {loss}, weight {share}": "{name} ({way}) {loss}, peso {share}",
    "{name} {loss}, weight {share}": "{name} {loss}, peso {share}",
    "logistic regression on the frozen network, solved for several strengths of the penalty": (
        "regressão logística sobre a rede congelada, resolvida com várias forças da penalização"
    ),
    "support vectors on what the frozen network sees, solved for several costs of an error": (
        "vetores de suporte sobre o que vê a rede congelada, resolvidos com vários custos de um erro"
    ),
    "fine-tuned from a head that was solved for one strength of the penalty": (
        "ajuste fino a partir de uma cabeça resolvida com uma força da penalização"
    ),
    "trained from random weights": "treino a partir de pesos aleatórios",
    "at most {n} support vectors a fold": "no máximo {n} vetores de suporte por dobra",
    "A deep neural network, {name}.": "Uma rede neuronal profunda, {name}.",
    "One network, no ensemble.": "Uma só rede, sem combinação.",
    "Weights at the start: {starts}.": "Pesos iniciais: {starts}.",
    "pretrained, from the file {name}": "pré-treinados, do ficheiro {name}",
    "pretrained, {repository} at {revision}": "pré-treinados, {repository} na revisão {revision}",
    "pretrained on ImageNet": "pré-treinados no ImageNet",
    "random": "aleatórios",
    "Trained {created} with {told}.": "Treinado em {created} com {told}.",
    "Weights: SHA-256 {hash}.": "Pesos: SHA-256 {hash}.",
    "{name} (at most {epochs} epochs, {batch} images a step, rate {rate} at its peak, weight decay {decay})": (
        "{name} (no máximo {epochs} épocas, {batch} imagens por passo, taxa {rate} no pico, decaimento {decay})"
    ),
    "{name} (logistic regression on the frozen network, solved for {n} strengths of the penalty, the best on "
    "validation kept)": (
        "{name} (regressão logística sobre a rede congelada, resolvida com {n} forças da penalização, das quais ficou "
        "a melhor na validação)"
    ),
    "Training: {phases}; seed {seed}.": "Treino: {phases}; semente {seed}.",
    "Training of the main member: {phases}; seed {seed}.": "Treino do membro principal: {phases}; semente {seed}.",
    "fine-tuning-2": "segundo ajuste fino",
    "Classes of unequal size: {remedy}.": "Classes de tamanho desigual: {remedy}.",
    "logits adjusted by the frequencies of the classes": "logits ajustados pelas frequências das classes",
    "images weighed by the inverse frequency of their class": "imagens pesadas pelo inverso da frequência da classe",
    "the focal loss, which looks at images that are still wrong": "perda focal, que olha para as imagens ainda erradas",
    "every class drawn equally often": "todas as classes sorteadas com igual frequência",
    "nothing was done about it": "nada se fez quanto a isso",
    "Classes of unequal size: {remedy}; where a head was solved, nothing.": (
        "Classes de tamanho desigual: {remedy}; onde uma cabeça foi resolvida, nada."
    ),
    "Augmentation: the policy {policy}; bundle.json holds its changes.": (
        "Aumento de dados: a política {policy}; as alterações estão em bundle.json."
    ),
    "Augmentation: none.": "Aumento de dados: nenhum.",
    "Kept was the epoch that did best on validation; a later phase only where it did better there.": (
        "Ficou a melhor época na validação; uma fase seguinte só onde lá foi melhor."
    ),
    "Kept was the last epoch, whatever validation said.": "Ficou a última época, dissesse a validação o que dissesse.",
    "Kept was the strength of the penalty that did best on validation.": (
        "Ficou a força da penalização melhor na validação."
    ),
    "Kept was the strength of the penalty, then the epoch, that did best on validation; a later phase only where it "
    "did better there.": (
        "Ficou a força da penalização, depois a época, melhor na validação; uma fase seguinte só onde lá foi melhor."
    ),
    "Of a head solved for several strengths, the one with the lowest out-of-fold log loss was kept.": (
        "De uma cabeça resolvida com várias forças, ficou a de menor perda logarítmica fora da dobra."
    ),
    "Of support vectors for several costs, those with the lowest out-of-fold log loss were kept.": (
        "Dos vetores de suporte com vários custos, ficaram os de menor perda logarítmica fora da dobra."
    ),
    "Member: {model}, {size} px, weight {share}": "Membro: {model}, {size} px, peso {share}",
    "Member: {model}, {size} px, weight {share}, and the mirror image": (
        "Membro: {model}, {size} px, peso {share}, e a imagem espelhada"
    ),
    # Image and text
    "It reads the pixels of one image and, as text, these fields of its record, one after the other: {fields}. Either "
    "may be missing; it reads nothing else.": (
        "Lê os píxeis de uma imagem e, como texto, estes campos do seu registo, um a seguir ao outro: {fields}. "
        "Qualquer dos dois pode faltar; mais nada é lido."
    ),
    "No words are hidden: a text that names its class gives it away.": (
        "Nenhuma palavra é escondida: um texto que nomeia a sua classe denuncia-a."
    ),
    "Words that name a class are hidden from every text, {n} terms, listed in bundle.json.": (
        "As palavras que nomeiam uma classe são escondidas de todos os textos, {n} termos, listados em bundle.json."
    ),
    "Image and text together. The image: a frozen deep neural network, {names}, read by {heads}. The text: {sides}.": (
        "Imagem e texto em conjunto. A imagem: uma rede neuronal profunda congelada, {names}, lida por {heads}. O "
        "texto: {sides}."
    ),
    "Image and text together. The image: frozen deep neural networks, {names}, read by {heads}. The text: {sides}.": (
        "Imagem e texto em conjunto. A imagem: redes neuronais profundas congeladas, {names}, lidas por {heads}. O "
        "texto: {sides}."
    ),
    "logistic regression": "regressão logística",
    "support vectors": "vetores de suporte",
    "logistic regression and support vectors": "regressão logística e vetores de suporte",
    "One frozen network; its answer and that of the text are put together by learned weights.": (
        "Uma rede congelada; a sua resposta e a do texto são juntas com pesos aprendidos."
    ),
    "{n} frozen networks; their answers and that of the text are put together by learned weights.": (
        "{n} redes congeladas; as suas respostas e a do texto são juntas com pesos aprendidos."
    ),
    "words, pairs of words and pieces of words, weighed by TF-IDF, with logistic regression and complement naive "
    "Bayes": (
        "palavras, pares de palavras e pedaços de palavras, pesados por TF-IDF, com regressão logística e Bayes "
        "ingénuo complementar"
    ),
    "a frozen sentence encoder with logistic regression": (
        "um codificador de frases congelado, com regressão logística"
    ),
    "the frozen encoder {name} with logistic regression": "o codificador congelado {name}, com regressão logística",
    "the frozen dual encoder {name}, which also looks at the image, with logistic regression": (
        "o codificador duplo congelado {name}, que também olha para a imagem, com regressão logística"
    ),
    "Training: nothing learns by steps. On the images every head is solved for several strengths of its penalty; on "
    "the texts each head has one fixed setting. All are cross-validated in folds of the training part, with groups "
    "whole, and then fitted to all of it; seed {seed}.": (
        "Treino: nada aprende por passos. Nas imagens cada cabeça é resolvida com várias forças da sua penalização; "
        "nos textos cada cabeça tem uma só configuração fixa. Todas passam por validação cruzada em dobras da parte de "
        "treino, com os grupos inteiros, e são depois ajustadas a toda ela; semente {seed}."
    ),
    "Kept was for each head the penalty with the lowest log loss in these folds. How much the heads, image, text and "
    "the frequencies of the classes count was learned on cases of the training part that were held out.": (
        "Ficou para cada cabeça a penalização com a menor perda logarítmica nestas dobras. Quanto contam as cabeças, "
        "a imagem, o texto e as frequências das classes aprendeu-se em casos da parte de treino deixados de fora."
    ),
    "Frozen network: {model}, {size} px, and the mirror image; {n} support vectors": (
        "Rede congelada: {model}, {size} px, e a imagem espelhada; {n} vetores de suporte"
    ),
    "Frozen network: {model}, {size} px, and the mirror image": (
        "Rede congelada: {model}, {size} px, e a imagem espelhada"
    ),
    "What is said of decisions and limits holds for image and text together.": (
        "O que se diz de decisões e limites vale para imagem e texto em conjunto."
    ),
    "An image without text has limits of its own.": "Uma imagem sem texto tem limites próprios.",
    "A text without image has limits of its own.": "Um texto sem imagem tem limites próprios.",
    "Its operating point: {threshold}.": "O seu ponto de operação: {threshold}.",
    "A text without image is never refused as being of another kind.": (
        "Um texto sem imagem nunca é recusado por ser de outro tipo."
    ),
    "Most likely class right on the {n} test images: by image alone {image}, by text alone {text}, by both {both}. An "
    "image without text counts as wrong for text alone, and is decided by the image for both.": (
        "Classe mais provável certa nas {n} imagens de teste: só pela imagem {image}, só pelo texto {text}, por ambos "
        "{both}. Uma imagem sem texto conta como errada só pelo texto, e por ambos é decidida pela imagem."
    ),
}
