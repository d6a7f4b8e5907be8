package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.Truncation;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Tokenizers;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layout documents, from raw files to what a reader sees. */
class DocumentsTest {
  private static final String REVIEWS =
      """
      id,rating,label,text
      a/0,9,pos,"A <b>great</b> film.<br />""Great"", I say!"
      a/1,1,neg,"Bad, bad film."
      a/2,8,pos,great
      a/3,2,neg,"Bad &amp; boring"
      """;

  @TempDir Path folder;

  private TextBuild reviews() {
    return TextBuild.in(folder)
        .csv(REVIEWS)
        .with("source.columns { id = id, label = label }")
        .with("text { html = true, punctuation = drop }");
  }

  @Test
  void reviewsBecomeIdsWithTheirClasses() {
    TextBuild build = reviews();

    TextReport report = build.run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(
            entry("a/0", "a great film great i say | 1"),
            entry("a/1", "bad bad film | 0"),
            entry("a/2", "great | 1"),
            entry("a/3", "bad boring | 0"));
    assertThat(build.manifest().contract().classes()).containsExactly("neg", "pos");
    // by count, then by character
    Vocabulary vocabulary = build.open().vocabulary();
    assertThat(vocabulary.toText().lines().map(l -> l.replaceAll(".*token\":\"|\".*$", "")))
        .containsExactly("<pad>", "<unk>", "bad", "great", "film", "a", "boring", "i", "say");
    TextManifest.SplitSummary train = build.manifest().splits().get("train");
    assertThat(train.documents()).isEqualTo(4);
    assertThat(train.tokens()).isEqualTo(12);
    assertThat(train.unknownShare()).isZero();
    assertThat(train.labels()).isEqualTo(Map.of("neg", 2L, "pos", 2L));
    assertThat(train.lengths())
        .containsExactly(
            new TextManifest.Bin(1, 1),
            new TextManifest.Bin(2, 1),
            new TextManifest.Bin(4, 1),
            new TextManifest.Bin(6, 1));
    assertThat(report.audit().passed()).as(report.audit().toString()).isTrue();
    assertThat(report.rejectedDocuments()).isEmpty();
    build.open().requireAudit();
  }

  @Test
  void newTextIsEncodedAsTheDatasetWas() {
    reviews().run();

    try (TextEncoder encoder = TextBuild.in(folder).open().encoder()) {
      assertThat(encoder.encode("<i>Great</i> FILM, mate")).containsExactly(3, 4, 1);
    }
  }

  @Test
  void theVocabularyKnowsTheTrainSplitAlone() {
    Path test =
        TextBuild.in(folder).bytes("t.csv", "id,label,text\nt,pos,great zebra zebra\n".getBytes());

    TextBuild build = reviews().source("test-path", test);
    build.run();

    assertThat(build.documents(Split.TEST)).containsExactly(entry("t", "great <unk> <unk> | 1"));
    TextManifest.SplitSummary summary = build.manifest().splits().get("test");
    assertThat(summary.unknownTokens()).isEqualTo(2);
    assertThat(summary.unknownShare()).isEqualTo(2.0 / 3);
  }

  @Test
  void sizeAndCountBoundTheVocabularyAndTiesAreBrokenByCharacter() {
    TextBuild build =
        TextBuild.in(folder)
            .text("t.txt", "b b a a d d c c e e\nz z z rare\n")
            .with("text.vocabulary { min-count = 2, max-size = 5 }");

    build.run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(
            entry("t.txt:1", "b b a a <unk> <unk> <unk> <unk> <unk> <unk>"),
            entry("t.txt:2", "z z z <unk>"));
  }

  @Test
  void aDocumentCanBeAFileWithItsClassInTheFoldersName() {
    TextBuild build = TextBuild.in(folder);
    build.bytes("raw/mood=good/1.txt", "line one\nline two\n".getBytes());
    build.bytes("raw/mood=bad/2.txt.gz", "only\n".getBytes());

    build
        .source("path", folder.resolve("raw"))
        .with("source { document = file, columns.label = mood }")
        .with("text.line-end = \"<eol>\"")
        .run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(
            entry("mood=bad/2.txt.gz", "only <eol> | 0"),
            entry("mood=good/1.txt", "line one <eol> line two <eol> | 1"));
  }

  @Test
  void sharesAreDrawnByNameAndDoNotDependOnOtherDocuments() {
    var text = new StringBuilder("id,text\n");
    for (int i = 0; i < 400; i++) {
      text.append("d%d,word%d and more\n".formatted(i, i));
    }
    TextBuild build =
        TextBuild.in(folder)
            .csv(text.toString())
            .with("source.columns.id = id")
            .with("split { validation = 0.2, test = 0.3, seed = 5 }");

    build.run();

    var validation = build.documents(Split.VALIDATION).keySet();
    var test = build.documents(Split.TEST).keySet();
    assertThat(validation.size()).isBetween(55, 105);
    assertThat(test.size()).isBetween(90, 150);
    assertThat(build.documents(Split.TRAIN)).hasSize(400 - validation.size() - test.size());
    build.csv(text + "new,something else\n").run();
    assertThat(build.documents(Split.VALIDATION).keySet()).containsAll(validation);
    assertThat(build.documents(Split.TEST).keySet()).containsAll(test);
  }

  @Test
  void aLongDocumentLosesTheEndThatTheSettingNames() {
    String text = "w ".repeat(100_000) + "last\nshort one\n";
    TextBuild build =
        TextBuild.in(folder).text("t.txt", text).with("text { max-tokens = 3, truncate = start }");

    build.run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("t.txt:1", "w w last"), entry("t.txt:2", "short one"));
    TextManifest.SplitSummary train = build.manifest().splits().get("train");
    assertThat(train.truncatedDocuments()).isEqualTo(1);
    assertThat(train.cutTokens()).isEqualTo(99_998);
    build.with("text.max-tokens = 0").run();
    assertThat(build.documents(Split.TRAIN).get("t.txt:1"))
        .isEqualTo(text.lines().findFirst().get());
  }

  @Test
  void whatCannotBeUsedIsCountedByReasonAndKept() {
    TextBuild build =
        TextBuild.in(folder)
            .csv(
                """
                id,label,text
                a,pos,fine
                b,neg,fine too
                c,pos,
                d,,no label
                ,neg,no id
                e,pos,"  "
                f,pos,one,too many
                """)
            .with("source.columns { id = id, label = label }, reject.max-share = 0.9");

    TextReport report = build.run();

    assertThat(report.rejectedDocuments())
        .isEqualTo(
            Map.of(
                "text-missing", 1L,
                "label-missing", 1L,
                "id-missing", 1L,
                "text-empty", 1L,
                "malformed-row", 1L));
    assertThat(report.documents()).isEqualTo(7);
    assertThat(build.documents(Split.TRAIN)).containsOnlyKeys("a", "b");
    assertThat(build.rejects())
        .containsExactly(
            "id-missing | {\"text\":\"no id\",\"label\":\"neg\"}",
            "label-missing | {\"text\":\"no label\",\"id\":\"d\"}",
            "malformed-row | {\"text\":\"one\",\"id\":\"f\",\"label\":\"pos\",\"malformed_row\":\"f,pos,one,too many\"}",
            "text-empty | {\"text\":\"  \",\"id\":\"e\",\"label\":\"pos\"}",
            "text-missing | {\"id\":\"c\",\"label\":\"pos\"}");
  }

  @Test
  void tooManyRejectsFailTheJobAndLeaveTheOldDatasetInPlace() {
    TextBuild build = TextBuild.in(folder).text("t.txt", "fine\n");
    build.run();
    var before = build.files();

    assertThatThrownBy(
            () -> build.text("u.txt", "fine\n...\n").with("text.punctuation = drop").run())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "source.path %s/u.txt: 1 of 2 documents cannot be used (50.00 %%), more than reject.max-share = 0.01. Reasons: text-empty 1. They are in %s/dataset.rejects; correct the data or the settings of source and text."
                .formatted(folder, folder));
    assertThat(build.files()).isEqualTo(before);
  }

  @Test
  void aLabelThatTrainDoesNotKnowIsRejected() {
    Path test =
        TextBuild.in(folder).bytes("t.csv", "id,label,text\nt,weird,great\nu,pos,x\n".getBytes());
    TextBuild build = reviews().source("test-path", test).with("reject.max-share = 0.5");

    TextReport report = build.run();

    assertThat(report.rejectedDocuments()).isEqualTo(Map.of("label-unknown", 1L));
    assertThat(build.rejects())
        .containsExactly("label-unknown | {\"id\":\"t\",\"label\":\"weird\"}");
    assertThat(build.documents(Split.TEST)).containsOnlyKeys("u");
    build.with("text.classes = [pos, neg, weird]").run();
    assertThat(build.documents(Split.TEST).get("t")).endsWith("| 2");
    assertThat(build.documents(Split.TRAIN).get("a/2")).endsWith("| 0");
  }

  @Test
  void bytesThatAreNotUtf8AreReplacedOrRejected() {
    byte[] bad = "caf\u00e9 good\nfine\n".getBytes(StandardCharsets.ISO_8859_1);
    TextBuild build = TextBuild.in(folder);
    build.source("path", build.bytes("t.txt", bad));

    TextReport replaced = build.run();

    assertThat(build.documents(Split.TRAIN).get("t.txt:1")).isEqualTo("caf \ufffd good");
    assertThat(replaced.replacedDocuments()).isEqualTo(1);
    assertThat(replaced.warnings())
        .containsExactly(
            "1 documents have bytes that are not UTF-8; each is U+FFFD now. text.invalid-utf8 = reject leaves these documents out.");
    TextReport rejected = build.with("text.invalid-utf8 = reject, reject.max-share = 0.5").run();
    assertThat(rejected.rejectedDocuments()).isEqualTo(Map.of("text-not-utf8", 1L));
    assertThat(build.documents(Split.TRAIN)).containsExactly(entry("t.txt:2", "fine"));
  }

  /** Those who read CSV get characters: whose a U+FFFD is cannot be told. */
  @Test
  void aWrittenReplacementCharacterIsUtf8WhereBytesAreRead() {
    TextBuild build =
        TextBuild.in(folder)
            .with("text.invalid-utf8 = reject, reject.max-share = 0.5")
            .text("t.txt", "good \ufffd film\nfine\n");

    TextReport ofBytes = build.run();

    assertThat(ofBytes.rejectedDocuments()).isEmpty();
    assertThat(ofBytes.replacedDocuments()).isZero();
    assertThat(build.documents(Split.TRAIN).get("t.txt:1")).isEqualTo("good \ufffd film");
    TextReport ofCharacters = build.csv("text\ngood \ufffd film\nfine\n").run();
    assertThat(ofCharacters.rejectedDocuments()).isEqualTo(Map.of("text-not-utf8", 1L));
    TextReport replaced = build.with("text.invalid-utf8 = replace").run();
    assertThat(replaced.replacedDocuments()).isEqualTo(1);
    assertThat(replaced.warnings())
        .containsExactly(
            "1 documents have bytes that are not UTF-8, or the character U+FFFD that such bytes became before; each is U+FFFD now. text.invalid-utf8 = reject leaves these documents out.");
  }

  @Test
  void chineseTextHasWords() {
    TextBuild build = TextBuild.in(folder).text("t.txt", "我们学习中文。\n我们在北京。\n");

    build.run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("t.txt:1", "我们 学习 中文 。"), entry("t.txt:2", "我们 在 北京 。"));
  }

  @Test
  void subwordsKeepTheIdsOfTheirTokenizer() {
    TextBuild build = TextBuild.in(folder).text("t.txt", "Unwanted running\nxyz\n");
    Path json =
        build.bytes("tokenizer.json", Tokenizers.wordPiece().getBytes(StandardCharsets.UTF_8));

    build
        .with("text { tokens = subword, tokenizer-path = \"%s\" }".formatted(json))
        .with("dataset.incremental = true")
        .run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("t.txt:1", "un ##want ##ed run ##ning"), entry("t.txt:2", "[UNK]"));
    assertThat(build.manifest().splits().get("train").unknownTokens()).isEqualTo(1);
    try (TextEncoder encoder = build.open().encoder()) {
      assertThat(encoder.encode("running")).containsExactly(4, 5);
    }
    // another tokenizer of the same name: nothing of the old one stays
    String other = Tokenizers.wordPiece().replace("##ning", "##nings");
    build.bytes("tokenizer.json", other.getBytes(StandardCharsets.UTF_8));
    build.run();
    assertThat(build.documents(Split.TRAIN).get("t.txt:1")).isEqualTo("un ##want ##ed [UNK]");
  }

  /** A pad of the tokenizer that a train text has is an unknown word, and no word is missing. */
  @Test
  void aPadThatIsWrittenInATextDoesNotFailTheAudit() {
    TextBuild build = TextBuild.in(folder).text("t.txt", "run <pad> running\nruns\n");
    Path json =
        build.bytes("tokenizer.json", Tokenizers.byteLevelBpe().getBytes(StandardCharsets.UTF_8));

    TextReport report =
        build.with("text { tokens = subword, tokenizer-path = \"%s\" }".formatted(json)).run();

    assertThat(report.audit().passed()).as(report.audit().toString()).isTrue();
    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("t.txt:1", "run Ġ <unk> Ġrun n ing"), entry("t.txt:2", "run s"));
    assertThat(build.open().vocabulary().count(build.manifest().contract().padId())).isZero();
  }

  @Test
  void aGivenVocabularyKeepsItsIds() throws Exception {
    TextBuild first = TextBuild.in(folder).text("t.txt", "b b a\n");
    first.run();
    Path kept =
        Files.copy(first.dataset().resolve(Vocabulary.FILE_NAME), folder.resolve("v.jsonl"));

    TextBuild second =
        TextBuild.in(folder)
            .text("u.txt", "a a a new b\n")
            .with("text.vocabulary.path = \"%s\"".formatted(kept));
    second.run();

    assertThat(second.documents(Split.TRAIN)).containsExactly(entry("u.txt:1", "a a a <unk> b"));
    assertThat(second.dataset().resolve(Vocabulary.FILE_NAME)).hasSameTextualContentAs(kept);
    Files.writeString(kept, Files.readString(kept).replace("\"a\"", "\"b\""));
    assertThatThrownBy(second::run)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "text.vocabulary.path %s cannot be read: line 4 has the token \"b\", as line 3 has. Correct the line, or give a vocabulary.jsonl that build-sequences wrote."
                .formatted(kept));
  }

  @Test
  void textsInTwoSplitsAreCountedAndTheirUserDecides() {
    Path test =
        TextBuild.in(folder)
            .bytes("t.txt", "The same text\nthe SAME, text!\nother words\n".getBytes());
    TextBuild build =
        TextBuild.in(folder)
            .text("a.txt", "The same text\nmine alone\nmine alone\n")
            .source("test-path", test);

    TextReport kept = build.run();

    assertThat(kept.duplicates().exact())
        .containsEntry("test-in-train", 1L)
        .containsEntry("within-train", 1L)
        .containsEntry("within-test", 0L);
    assertThat(kept.duplicates().normalised())
        .containsEntry("test-in-train", 2L)
        .containsEntry("within-test", 1L);
    assertThat(kept.warnings())
        .containsExactly(
            "Documents stand in two splits: 2 of test in train (1 of them to the character). Results on them are too good; text.duplicates = drop leaves them out.");
    TextReport dropped = build.with("text.duplicates = drop").run();
    assertThat(build.documents(Split.TRAIN)).containsOnlyKeys("a.txt:2", "a.txt:3");
    assertThat(build.documents(Split.TEST)).hasSize(3);
    assertThat(dropped.duplicates().dropped()).isEqualTo(Map.of("train", 1L, "validation", 0L));
    assertThatThrownBy(() -> build.with("text.duplicates = fail").run())
        .isInstanceOf(QualityGateException.class)
        .hasMessage(
            "Documents stand in two splits: 2 of test in train (1 of them to the character), and text.duplicates = fail. Clean the source, or set text.duplicates = drop.");
  }

  @Test
  void onlyUnknownWordsAreADocumentOfUnknownWords() {
    Path test = TextBuild.in(folder).bytes("t.txt", "x y z\n".getBytes());
    TextBuild build = TextBuild.in(folder).text("a.txt", "a\n").source("test-path", test);

    build.run();

    assertThat(build.documents(Split.TEST)).containsExactly(entry("t.txt:1", "<unk> <unk> <unk>"));
    assertThat(build.manifest().splits().get("test").unknownShare()).isEqualTo(1);
  }

  @Test
  void aTableThatIsNotMadeOfFilesHasItsNamesInAColumn() {
    TextBuild build =
        TextBuild.in(folder)
            .source("path", folder)
            .with("source.format = \"%s\"".formatted(RowsWithoutFiles.class.getName()))
            .with("source.columns { text = body, id = name }");

    TextReport report = build.run();

    assertThat(build.documents(Split.TRAIN))
        .containsExactly(entry("n0", "text 0"), entry("n1", "text 1"));
    assertThat(report.files()).isZero();
  }

  @Test
  void eachKindOfDatasetIsRefusedByTheOthersReader() {
    reviews().run();

    assertThatThrownBy(
            () -> SequenceDataset.open(folder.resolve("dataset").toString(), new Configuration()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s/dataset/manifest.json describes a dataset of text (text-sequences.v1, dataset.layout = documents), and this reads telemetry (sequences.v1). Give the path of a telemetry dataset."
                .formatted(folder));
    assertThatThrownBy(
            () -> TextBuild.in(folder).open().streams(Split.TRAIN, 1, Truncation.every(1), 0, 1))
        .hasMessage(
            "%s/dataset has dataset.layout = documents, and this reads stream. Rebuild it with dataset.layout = stream."
                .formatted(folder));
  }

  @Test
  void anEmptySourceIsRefused() {
    assertThatThrownBy(() -> TextBuild.in(folder).csv("id,text\n").run())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "source.path %s/source.csv has no rows. Give a path with data.".formatted(folder));
  }
}
