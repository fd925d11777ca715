"""CLAIM 2024, item by item (Tejani et al., Radiology: Artificial Intelligence 2024;6(4):e240300)."""

from __future__ import annotations

from lince.inference.card.checklists import Checklist, Item

CLAIM = Checklist(
    "CLAIM 2024",
    "Tejani et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, "
    "Radiology: Artificial Intelligence 2024;6(4):e240300.",
    (
        Item(
            "1",
            "Title says that the study is about AI, and of which kind",
            "O título diz que o estudo é de IA, e de que tipo",
            hints=("model",),
        ),
        Item(
            "2",
            "Summary of design, methods, results and conclusions",
            "Resumo do desenho, métodos, resultados e conclusões",
        ),
        Item(
            "3",
            "Background, and the role that the AI is meant to have",
            "Contexto, e o papel que se pretende para a IA",
            hints=("purpose",),
        ),
        Item("4", "Aims and hypotheses", "Objetivos e hipóteses"),
        Item("5", "Prospective or retrospective", "Prospetivo ou retrospetivo"),
        Item("6", "What kind of study: goal and design", "Que tipo de estudo: finalidade e desenho"),
        Item("7", "Where the data come from", "De onde vêm os dados", hints=("collection",)),
        Item(
            "8",
            "Who and what was included and excluded, and by which criteria",
            "Quem e o que foi incluído e excluído, e por que critérios",
            hints=("subset", "skipped"),
        ),
        Item(
            "9",
            "Preprocessing, so that it can be repeated",
            "Pré-processamento, de modo a poder repetir-se",
            ("image",),
        ),
        Item("10", "Choice of subsets of the data", "Escolha de subconjuntos dos dados", hints=("subset",)),
        Item("11", "How data were de-identified", "Como se retirou a identificação aos dados"),
        Item("12", "What was done about missing data", "O que se fez quanto a dados em falta", hints=("skipped",)),
        Item("13", "How the images were acquired", "Como foram adquiridas as imagens"),
        Item("14", "How the reference standard was obtained", "Como se obteve o padrão de referência"),
        Item("15", "Why this reference standard", "Porquê este padrão de referência"),
        Item("16", "Who annotated for the reference standard", "Quem anotou para o padrão de referência"),
        Item("17", "How the test images were annotated", "Como foram anotadas as imagens de teste"),
        Item(
            "18",
            "How far annotators agree with each other and themselves",
            "Até que ponto os anotadores concordam entre si e consigo",
        ),
        Item(
            "19",
            "How images were assigned to the parts",
            "Como as imagens foram distribuídas pelas partes",
            ("split", "counts"),
        ),
        Item("20", "At which level the parts are disjoint", "A que nível as partes são disjuntas", ("grouping",)),
        Item(
            "21",
            "Sample size that was intended for testing, and why",
            "Tamanho de amostra pretendido para o teste, e porquê",
            hints=("counts",),
        ),
        Item(
            "22",
            "The model: inputs, outputs, architecture",
            "O modelo: entradas, saídas, arquitetura",
            ("model", "image", "inputs", "output"),
        ),
        Item("23", "Software and its versions", "Programas e versões", ("software",)),
        Item("24", "Weights at the start", "Pesos iniciais", ("start",)),
        Item("25", "How it was trained", "Como foi treinado", ("training", "augmentation", "imbalance")),
        Item("26", "How the final model was chosen", "Como se escolheu o modelo final", ("selection",)),
        Item("27", "Ensembling", "Combinação de modelos", ("ensemble",)),
        Item("28", "Measures of performance", "Medidas de desempenho", ("metrics",)),
        Item("29", "Measures of significance and uncertainty", "Medidas de significância e incerteza", ("intervals",)),
        Item(
            "30",
            "Analysis of robustness or sensitivity",
            "Análise de robustez ou de sensibilidade",
            hints=("subgroups", "folds"),
        ),
        Item(
            "31",
            "Methods of explanation, and how they were validated",
            "Métodos de explicação, e como foram validados",
            hints=("maps",),
        ),
        Item("32", "Evaluation on internal data", "Avaliação com dados internos", ("test",), ("folds",)),
        Item("33", "Testing on external data", "Teste com dados externos", ("external", "here")),
        Item("34", "Registration of the trial", "Registo do ensaio clínico"),
        Item(
            "35",
            "How many patients or examinations came in and fell out",
            "Quantos doentes ou exames entraram e saíram",
            hints=("counts", "patients", "skipped"),
        ),
        Item(
            "36",
            "Demographic and clinical characteristics in each part",
            "Características demográficas e clínicas em cada parte",
        ),
        Item("37", "Performance with its uncertainty", "Desempenho com a sua incerteza", ("test",), ("here",)),
        Item(
            "38",
            "Diagnostic performance and its precision",
            "Desempenho diagnóstico e a sua precisão",
            ("test",),
            ("here",),
        ),
        Item("39", "Analysis of the errors", "Análise dos erros", hints=("pictures",)),
        Item("40", "Limits of the study", "Limites do estudo", hints=("home", "absent", "grouping")),
        Item("41", "What it means for practice", "O que significa para a prática", hints=("purpose",)),
        Item("42", "Protocol or further technical details", "Protocolo ou mais pormenores técnicos"),
        Item(
            "43",
            "Whether software, model and data are available",
            "Se programas, modelo e dados estão disponíveis",
        ),
        Item("44", "Funding, and the role of the funders", "Financiamento, e o papel dos financiadores"),
    ),
)
