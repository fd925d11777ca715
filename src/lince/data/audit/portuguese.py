"""The audit in Portuguese: English template to Portuguese template."""

from __future__ import annotations

from collections.abc import Mapping

_EXACT = "{exact:# delas é uma cópia exata|# delas são cópias exatas}."
_PROBE = (
    "Só com isto ({fact}), uma regra simples distingue {label} do resto com uma AUC de {auc:.2} "
    "(intervalo a 95%: {low:.2} a {high:.2}); adivinhar dá {chance:.2}."
)

PORTUGUESE: Mapping[str, str] = {
    # Answers
    "Do not train on this yet: {n:# severe finding|# severe findings}": (
        "Ainda não treine com isto: {n:# problema grave|# problemas graves}"
    ),
    "Look before you train: {n:# warning|# warnings}": "Veja isto antes de treinar: {n:# aviso|# avisos}",
    "Nothing stands in the way of training": "Nada impede o treino",
    # Several kinds
    "Make a split without this: `lince data split {source} clean.csv --redraw`, then `lince train clean.csv`.": (
        "Faça uma divisão sem isto: `lince data split {source} limpo.csv --redraw` e depois `lince train limpo.csv`."
    ),
    "{exact:# of them is an exact copy|# of them are exact copies}.": _EXACT,
    "From this fact alone ({fact}), a simple rule tells {label} from the rest with an AUC of {auc:.2} "
    "(95% interval {low:.2} to {high:.2}); guessing gives {chance:.2}.": _PROBE,
    "{detail}.": "{detail}.",
    # Conflicting labels
    "The same picture with different labels": "A mesma imagem com rótulos diferentes",
    "{cases:# picture has|# pictures have} copies under different labels": (
        "{cases:# imagem tem|# imagens têm} cópias com rótulos diferentes"
    ),
    "{cases:# picture appears|# pictures appear} more than once, and the copies carry different labels: {labels}.": (
        "{cases:# imagem aparece|# imagens aparecem} mais do que uma vez, e as cópias têm rótulos diferentes: {labels}."
    ),
    "Ask someone who can read these images which label is right, and keep one copy of each.": (
        "Pergunte a quem saiba ler estas imagens qual é o rótulo certo e fique com uma cópia de cada."
    ),
    "Until then leave them all out: no model can be right about both.": (
        "Até lá, deixe-as todas de fora: nenhum modelo pode acertar em ambas."
    ),
    # Copies across the split
    "Copies in different parts of the split": "Cópias em partes diferentes da divisão",
    "{cases:# picture has|# pictures have} copies in different parts of the split": (
        "{cases:# imagem tem|# imagens têm} cópias em partes diferentes da divisão"
    ),
    "{cases:# picture has|# pictures have} copies in different parts: {splits}.": (
        "{cases:# imagem tem|# imagens têm} cópias em partes diferentes: {splits}."
    ),
    "Of the {twins_of} images of the part {twins_part}, {twins} ({twins_share:%}) have a copy in another part.": (
        "Das {twins_of} imagens da parte {twins_part}, {twins} ({twins_share:%}) têm uma cópia noutra parte."
    ),
    "A model that has seen the test image in training looks better than it is.": (
        "Um modelo que já viu no treino a imagem de teste parece melhor do que é."
    ),
    # Patients across the split
    "Patients in different parts of the split": "Doentes em partes diferentes da divisão",
    "{groups:# patient stands|# patients stand} in different parts of the split": (
        "{groups:# doente está|# doentes estão} em partes diferentes da divisão"
    ),
    "{groups:# patient or case|# patients or cases}, of {of}, have images in more than one part: {splits}.": (
        "{groups:# doente ou caso|# doentes ou casos}, de {of}, com imagens em mais do que uma parte: {splits}."
    ),
    "Part of the test is then about patients whom the model knows.": (
        "Assim, uma parte do teste é sobre doentes que o modelo já conhece."
    ),
    # The other collection
    "Images that the other collection has too": "Imagens que a outra coleção também tem",
    "{cases:# picture is|# pictures are} in {against} too": "{cases:# imagem está|# imagens estão} também em {against}",
    "{cases:# picture of this collection is|# pictures of this collection are} in {against} too.": (
        "{cases:# imagem desta coleção está|# imagens desta coleção estão} também em {against}."
    ),
    "Take them out of one of the two before a model trained on one is tested on the other.": (
        "Retire-as de uma das duas antes de testar numa um modelo treinado na outra."
    ),
    # Copies across patients
    "The same picture under different patients": "A mesma imagem em doentes diferentes",
    "{cases:# picture has|# pictures have} copies under different patients": (
        "{cases:# imagem tem|# imagens têm} cópias em doentes diferentes"
    ),
    "{cases:# picture appears|# pictures appear} under the names of different patients.": (
        "{cases:# imagem aparece|# imagens aparecem} com nomes de doentes diferentes."
    ),
    "Either a patient has two names here, or an image was filed under the wrong one: correct the names.": (
        "Ou um doente tem aqui dois nomes, ou uma imagem ficou no doente errado: corrija os nomes."
    ),
    "As long as they differ, a split by patient can put the copies on two sides.": (
        "Enquanto forem diferentes, uma divisão por doente pode pôr as cópias em dois lados."
    ),
    # Shortcuts
    "Gives the label away: {facts}": "Denuncia o rótulo: {facts}",
    "Tells much about the label: {facts}": "Diz muito sobre o rótulo: {facts}",
    "The label shows in: {facts} (AUC {auc:.2})": "O rótulo revela-se em: {facts} (AUC {auc:.2})",
    "This is a matter of files, not of disease. A model may learn it, score well here and fail elsewhere.": (
        "Isto tem a ver com os ficheiros, não com a doença. Um modelo pode aprendê-lo, sair-se bem aqui e falhar "
        "noutro lado."
    ),
    "Find out why the classes differ in it: two hospitals, two machines, two programs?": (
        "Descubra porque é que as classes diferem nisto: dois hospitais, dois aparelhos, dois programas?"
    ),
    "Bring all images to the same form, or choose them so that every class has every form, and audit again.": (
        "Ponha todas as imagens na mesma forma, ou escolha-as para que cada classe tenha todas as formas, e "
        "repita a auditoria."
    ),
    "Borders and letters come from the machine, not from the patient. A model may learn them instead.": (
        "Margens e letras vêm do aparelho, não do doente. Um modelo pode aprendê-las em vez da doença."
    ),
    "Crop or cover them alike in every class, and audit again.": (
        "Corte-as ou tape-as da mesma maneira em todas as classes e repita a auditoria."
    ),
    "Disease can change brightness and contrast, so this may be real. It may also be another machine.": (
        "A doença pode mudar o brilho e o contraste, por isso pode ser real. Também pode ser outro aparelho."
    ),
    "Ask whether the classes were recorded alike.": "Pergunte se as classes foram adquiridas da mesma maneira.",
    "If they were not, compare figures within one machine or site before you believe them.": (
        "Se não foram, compare resultados dentro de um só aparelho ou hospital antes de acreditar neles."
    ),
    # Missing patients
    "Patients seem to be missing": "Parecem faltar os doentes",
    "{share:%} of the images have a near copy, and no patient is named": (
        "{share:%} das imagens têm uma quase igual, e não há doentes indicados"
    ),
    "{share:%} of the images look nearly the same as another, and no image says of which patient it is.": (
        "{share:%} das imagens são quase iguais a outra, e nenhuma diz de que doente é."
    ),
    "Name the patients: in the file names (`patient012_scan1.png`), or in the column `group` of a manifest.": (
        "Indique os doentes: nos nomes dos ficheiros (`paciente012_a.png`) ou na coluna `group` de um manifesto."
    ),
    "Until then `lince train` keeps near copies on one side of the splits that it draws.": (
        "Até lá, `lince train` mantém as imagens quase iguais do mesmo lado das divisões que faz."
    ),
    # Damage
    "Files that cannot be read": "Ficheiros que não se conseguem ler",
    "{count:# file cannot|# files cannot} be read": (
        "{count:# ficheiro não se consegue|# ficheiros não se conseguem} ler"
    ),
    "{count:# file cannot|# files cannot} be read and will be left out: {reasons}.": (
        "{count:# ficheiro não se consegue|# ficheiros não se conseguem} ler e {count:fica|ficam} de fora: {reasons}."
    ),
    "Copy them again from where they came from, or remove them.": "Volte a copiá-los de onde vieram, ou retire-os.",
    "Images that show nothing": "Imagens que não mostram nada",
    "{count:# image shows|# images show} nothing": "{count:# imagem não mostra|# imagens não mostram} nada",
    "{count:# image is|# images are} of one flat grey.": "{count:# imagem é|# imagens são} de um só cinzento.",
    "Remove them, or find out why they were exported empty: a transfer cut short, or the wrong window.": (
        "Retire-as, ou descubra porque foram exportadas vazias: uma transferência interrompida ou a janela errada."
    ),
    "Overexposed images": "Imagens queimadas",
    "{count:# image is|# images are} overexposed": "{count:# imagem está queimada|# imagens estão queimadas}",
    "In {count:# image|# images} ({share:%}) much is pure white: what was there is lost.": (
        "Em {count:# imagem|# imagens} ({share:%}) há muito branco puro: o que lá estava perdeu-se."
    ),
    "Usual in this collection is {usual:%} of the pixels.": "O habitual nesta coleção é {usual:%} dos píxeis.",
    "Look at how they were exported: window, gain, number of bits.": (
        "Veja como foram exportadas: janela, ganho, número de bits."
    ),
    # Letters
    "Letters or markers in the images": "Letras ou marcas nas imagens",
    "{count:# image seems|# images seem} to have letters or markers in the pixels": (
        "{count:# imagem parece|# imagens parecem} ter letras ou marcas nos píxeis"
    ),
    "{count:# image|# images} ({share:%}) seem to have letters or markers in the picture.": (
        "{count:# imagem|# imagens} ({share:%}) parecem ter letras ou marcas."
    ),
    "Where: {where}.": "Onde: {where}.",
    "{by_header:# header says so or does not deny it|# headers say so or do not deny it} (DICOM).": (
        "{by_header:# cabeçalho di-lo ou não o nega|# cabeçalhos dizem-no ou não o negam} (DICOM)."
    ),
    "Look for names and dates first: they must not leave the hospital.": (
        "Procure primeiro nomes e datas: não podem sair do hospital."
    ),
    "A model can learn the marker instead of the disease: crop or cover it alike in every class.": (
        "Um modelo pode aprender a marca em vez da doença: corte-a ou tape-a da mesma maneira em todas as classes."
    ),
    # Balance
    "Classes of very different size": "Classes de tamanhos muito diferentes",
    "“{largest}” has {ratio} times as many images as “{smallest}”": (
        "«{largest}» tem {ratio} vezes mais imagens do que «{smallest}»"
    ),
    "The class “{largest}” has {large:# image|# images}, “{smallest}” has {small}: {ratio} to 1.": (
        "A classe «{largest}» tem {large:# imagem|# imagens}, «{smallest}» tem {small}: {ratio} para 1."
    ),
    "No image in {absent}.": "Sem imagens em {absent}.",
    "`lince train` gives rare classes more weight, so this alone spoils nothing.": (
        "`lince train` dá mais peso às classes raras, por isso só isto não estraga nada."
    ),
    "Figures for a rare class are uncertain all the same: look at its interval, and collect more of it.": (
        "Mesmo assim, os resultados de uma classe rara são incertos: veja o intervalo e junte mais imagens dela."
    ),
    "Differs between the classes: {attribute}": "Difere entre as classes: {attribute}",
    "{attribute} differs between the classes ({effect:.2} of 1)": (
        "{attribute} difere entre as classes ({effect:.2} de 1)"
    ),
    "The classes are not alike in {attribute}: the difference is {effect:.2} on a scale from 0 (alike) to 1 "
    "(nothing in common).": (
        "As classes não são iguais em {attribute}: a diferença é {effect:.2} numa escala de 0 (iguais) a 1 (nada em "
        "comum)."
    ),
    "A model may learn {attribute} instead of the disease.": "Um modelo pode aprender {attribute} em vez da doença.",
    "Choose images so that the classes are alike in it, or report figures for each of its values.": (
        "Escolha as imagens para que as classes sejam iguais nisto, ou dê resultados para cada um dos seus valores."
    ),
    "{against} looks different": "{against} é diferente",
    "{against} looks different from this collection": "{against} é diferente desta coleção",
    "From the look of an image alone, a simple rule tells from which of the two collections it comes with an AUC of "
    "{auc:.2} (95% interval {low:.2} to {high:.2}); {chance:.2} would mean that they are alike.": (
        "Só pelo aspeto de uma imagem, uma regra simples diz de qual das duas coleções vem com uma AUC de {auc:.2} "
        "(intervalo a 95%: {low:.2} a {high:.2}); {chance:.2} quereria dizer que são iguais."
    ),
    "They differ the most in: {facts}.": "Diferem sobretudo em: {facts}.",
    "Expect other figures there than here, and measure there before use: `lince evaluate BUNDLE {against}`.": (
        "Conte lá com resultados diferentes dos daqui e meça antes de usar: `lince evaluate MODELO {against}`."
    ),
    # Classes that a part lacks
    "Classes missing from a part": "Classes que faltam numa parte",
    "No image in {absent}": "Sem imagens em {absent}",
    "What has no training image cannot be learnt; what has no test image cannot be measured.": (
        "O que não tem imagens de treino não se aprende; o que não tem imagens de teste não se mede."
    ),
    # Copies and extremes
    "Copies within the collection": "Cópias dentro da coleção",
    "{cases:# picture appears|# pictures appear} more than once": (
        "{cases:# imagem aparece|# imagens aparecem} mais do que uma vez"
    ),
    "{cases:# picture appears|# pictures appear} more than once; {share:%} of the images have a copy.": (
        "{cases:# imagem aparece|# imagens aparecem} mais do que uma vez; {share:%} das imagens têm uma cópia."
    ),
    "How they are alike: {relations}.": "Em que são iguais: {relations}.",
    "A copy adds nothing to learn and counts twice in a test: keep one of each.": (
        "Uma cópia não ensina nada e conta a dobrar num teste: fique com uma de cada."
    ),
    "Where they stay, they belong on one side of the split; `lince data split` sees to it.": (
        "Se ficarem, devem estar do mesmo lado da divisão; `lince data split` trata disso."
    ),
    "Far from the rest: {fact}": "Longe das restantes: {fact}",
    "{count:# image is|# images are} far from the rest in: {fact}": (
        "{count:# imagem está|# imagens estão} longe das restantes em: {fact}"
    ),
    "{count:# image lies|# images lie} outside what is usual here: {low} to {high}, {median} in the middle.": (
        "{count:# imagem está|# imagens estão} fora do habitual aqui: {low} a {high}, {median} ao meio."
    ),
    "Look at them: another examination, a screenshot, an export gone wrong?": (
        "Olhe para elas: outro exame, uma captura de ecrã, uma exportação que correu mal?"
    ),
    # Telling values
    "{value} in {here}% of {label}, in {there}% of the others": (
        "{value} em {here}% de {label}, em {there}% das restantes"
    ),
    "Median {here} in {label}, {there} in the others": "Mediana {here} em {label}, {there} nas restantes",
    "present": "presente",
    "absent": "ausente",
    # Parts, severities, places
    "train": "treino",
    "validation": "validação",
    "test": "teste",
    "no part": "sem parte",
    "severe": "grave",
    "warning": "aviso",
    "note": "nota",
    "top left": "em cima à esquerda",
    "top": "em cima",
    "top right": "em cima à direita",
    "left": "à esquerda",
    "middle": "ao meio",
    "right": "à direita",
    "bottom left": "em baixo à esquerda",
    "bottom": "em baixo",
    "bottom right": "em baixo à direita",
    # How copies are alike
    "same file": "o mesmo ficheiro",
    "same pixels": "os mesmos píxeis",
    "nearly the same": "quase igual",
    "mirrored": "em espelho",
    "rotated": "rodada",
    "a part of the other": "uma parte da outra",
    "similarity {value:.2}": "semelhança {value:.2}",
    "white {share:%}": "branco {share:%}",
    "by the DICOM header": "pelo cabeçalho DICOM",
    "grey level {level}": "nível de cinzento {level}",
    # Facts
    "image width": "largura da imagem",
    "image height": "altura da imagem",
    "width to height": "largura por altura",
    "number of pixels": "número de píxeis",
    "file size": "tamanho do ficheiro",
    "file size per pixel": "tamanho do ficheiro por píxel",
    "Exif notes in the file": "notas Exif no ficheiro",
    "file format": "formato do ficheiro",
    "grey or colour, bit depth": "cinzento ou cor, número de bits",
    "JPEG compression": "compressão JPEG",
    "border around the image": "margem à volta da imagem",
    "brightness of the border": "brilho da margem",
    "letters in the image": "letras na imagem",
    "mean brightness": "brilho médio",
    "contrast": "contraste",
    "share of white pixels": "parte de píxeis brancos",
    "share of black pixels": "parte de píxeis pretos",
    "sharpness": "nitidez",
    "the file, not the picture": "o ficheiro, não a imagem",
    "what the machine put around the picture": "o que o aparelho pôs à volta da imagem",
    "the picture as a whole": "a imagem no seu todo",
    # Page
    "Audit of {name}": "Auditoria de {name}",
    "SYNTHETIC images, not patients": "Imagens SINTÉTICAS, não doentes",
    "These images were made by a program. What is found here says nothing about images of patients.": (
        "Estas imagens foram geradas por um programa. O que aqui se encontra nada diz sobre imagens de doentes."
    ),
    "What could make the results of a training wrong, looked for in every image.": (
        "O que pode tornar errados os resultados de um treino, procurado em todas as imagens."
    ),
    "The answer": "A resposta",
    "No copies, no leaks, no shortcuts, no damaged images were found.": (
        "Não se encontraram cópias, fugas, atalhos nem imagens danificadas."
    ),
    "Images": "Imagens",
    "Classes": "Classes",
    "Patients or cases": "Doentes ou casos",
    "none named": "nenhum indicado",
    "Split": "Divisão",
    "none given": "nenhuma",
    "What was found, and what to do": "O que se encontrou e o que fazer",
    "What to do": "O que fazer",
    "no picture": "sem imagem",
    "{n:# more image|# more images}": "{n:mais # imagem|mais # imagens}",
    "The first {n} of {total}; audit.json has more.": "Os primeiros {n} de {total}; há mais em audit.json.",
    "Medians of what differs the most. A difference of 0 means alike, 1 nothing in common.": (
        "Medianas do que mais difere. Uma diferença de 0 quer dizer igual; de 1, nada em comum."
    ),
    "Images here that look the least like those there:": "Imagens daqui que menos se parecem com as de lá:",
    "Fact": "Facto",
    "Here": "Aqui",
    "Difference": "Diferença",
    "File": "Ficheiro",
    "Reason": "Motivo",
    "Class": "Classe",
    "Share": "Parte",
    "positive": "positiva",
    "Attributes by class": "Atributos por classe",
    "others": "outros",
    "a quarter up to": "um quarto até",
    "half up to": "metade até",
    "three quarters up to": "três quartos até",
    "Could trivial facts tell the label?": "Bastariam factos triviais para saber o rótulo?",
    "For each fact, how well a simple rule finds the label from it alone, on images that it was not fitted to. 0.50 is "
    "guessing, 1 is every time.": (
        "Para cada facto, até que ponto uma regra simples acerta no rótulo só com ele, em imagens a que não foi "
        "ajustada. 0,50 é adivinhar; 1 é acertar sempre."
    ),
    "Class that it gives away": "Classe que denuncia",
    "95% interval": "Intervalo a 95%",
    "{low:.2} to {high:.2}": "{low:.2} a {high:.2}",
    "{n:# more fact was tried and tells less|# more facts were tried and tell less}; audit.json has them all.": (
        "{n:Experimentou-se mais # facto, que diz|Experimentaram-se mais # factos, que dizem} menos; estão todos em "
        "audit.json."
    ),
    "Statistics by class": "Estatísticas por classe",
    "all": "todas",
    "Looked at in {seconds} s": "Visto em {seconds} s",
    "audit.json has every figure; docs/audit.md says how each is decided.": (
        "audit.json tem todos os números; docs/pt/audit.md diz como se decide cada um."
    ),
    "Research use only; not a medical device.": "Apenas para investigação; não é um dispositivo médico.",
    "What is not found here may still be there: an audit is no proof.": (
        "O que aqui não se encontra pode existir na mesma: uma auditoria não é uma prova."
    ),
    # Terminal
    "SYNTHETIC images, made by a program: not patients.": (
        "Imagens SINTÉTICAS, geradas por um programa: não são doentes."
    ),
    "{name}: {images:# image|# images}, {classes:# class|# classes}, looked at in {seconds} s": (
        "{name}: {images:# imagem|# imagens}, {classes:# classe|# classes}, vistas em {seconds} s"
    ),
    "{n:and # more|and # more}": "{n:e mais #|e mais #}",
    "Page, with pictures and what to do: {path}": "Página, com imagens e o que fazer: {path}",
    "Every figure: {path}": "Todos os números: {path}",
}
