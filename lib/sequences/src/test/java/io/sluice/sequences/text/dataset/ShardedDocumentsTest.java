package io.sluice.sequences.text.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.DocumentBatches.Pool;
import io.sluice.sequences.text.dataset.TextManifest.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Epochs over 500 documents of 1 to 120 tokens. */
class ShardedDocumentsTest {
  private static final int DOCUMENTS = 500;
  private static final Dealing DEALING = new Dealing(16, 8, 3);

  @TempDir static Path folder;
  private static TextDataset dataset;

  @BeforeAll
  static void build() {
    var random = new Random(5);
    var text = new StringBuilder("id,label,text\n");
    for (int i = 0; i < DOCUMENTS; i++) {
      int length = 1 + (int) (120 * Math.pow(random.nextDouble(), 2));
      text.append("d%d,%d,".formatted(i, i % 3));
      for (int n = 0; n < length; n++) {
        text.append("w").append(random.nextInt(30)).append(' ');
      }
      text.append('\n');
    }
    TextBuild build =
        TextBuild.in(folder)
            .text("t.csv", text.toString())
            .with("source { format = csv, columns { id = id, label = label } }");
    build.run();
    dataset = build.open();
  }

  /** A document as a line, so that shares of ranks can be compared. */
  private static String line(TextBatch batch, int b) {
    int[] ids =
        IntStream.range(0, batch.length(b)).map(t -> batch.ids()[t * batch.size() + b]).toArray();
    return "%d %d %s".formatted(batch.document(b), batch.label(b), java.util.Arrays.toString(ids));
  }

  /** Documents of each step by position. */
  private static List<TreeMap<Long, String>> epoch(
      int epoch, long fromStep, int ranks, long memoryBytes) {
    var steps = new ArrayList<TreeMap<Long, String>>();
    for (int rank = 0; rank < ranks; rank++) {
      ShardedDocuments documents =
          dataset.documents(Split.TRAIN, DEALING, rank, ranks, memoryBytes);
      DocumentBatches batches = documents.epoch(epoch, fromStep);
      for (long step = fromStep; step < documents.steps(); step++) {
        TextBatch batch = batches.next();
        assertThat(batch.globalSize()).isEqualTo(DEALING.globalSize(DOCUMENTS, step));
        assertThat(batch.size()).isEqualTo(DEALING.shareSize(DOCUMENTS, step, rank, ranks));
        if (rank == 0) {
          steps.add(new TreeMap<>());
        }
        for (int b = 0; b < batch.size(); b++) {
          steps.get((int) (step - fromStep)).put(batch.position(b), line(batch, b));
        }
      }
      assertThat(batches.hasNext()).isFalse();
    }
    return steps;
  }

  @Test
  void anEpochHasEachDocumentOnce() {
    var seen = new HashSet<String>();
    var positions = new ArrayList<Long>();
    for (TreeMap<Long, String> step : epoch(0, 0, 1, Long.MAX_VALUE)) {
      positions.addAll(step.keySet());
      seen.addAll(step.values());
    }

    assertThat(seen).hasSize(DOCUMENTS);
    assertThat(positions).isEqualTo(LongStream.range(0, DOCUMENTS).boxed().toList());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void aGlobalBatchDoesNotDependOnTheNumberOfRanks(int ranks) {
    assertThat(epoch(4, 0, ranks, Long.MAX_VALUE)).isEqualTo(epoch(4, 0, 1, Long.MAX_VALUE));
  }

  @Test
  void streamingGivesTheOrderOfMemory() {
    assertThat(dataset.documents(Split.TRAIN, DEALING, 0, 1, 0).isInMemory()).isFalse();
    assertThat(dataset.documents(Split.TRAIN, DEALING, 0, 1).isInMemory()).isTrue();
    assertThat(epoch(1, 0, 2, 0)).isEqualTo(epoch(1, 0, 1, Long.MAX_VALUE));
  }

  @Test
  void aRunGoesOnFromAnyStep() {
    var whole = epoch(2, 0, 1, Long.MAX_VALUE);

    for (int step : new int[] {1, 9, 30, whole.size()}) {
      assertThat(epoch(2, step, 2, 0)).isEqualTo(whole.subList(step, whole.size()));
    }
    assertThatThrownBy(
            () -> dataset.documents(Split.TRAIN, DEALING, 0, 1).epoch(0, whole.size() + 1))
        .hasMessage("fromStep is 33, expected 0 ≤ fromStep ≤ 32, the steps of an epoch");
  }

  @Test
  void epochsAndSeedsDiffer() {
    assertThat(epoch(0, 0, 1, 0)).isNotEqualTo(epoch(1, 0, 1, 0));
    var other = new Dealing(16, 8, 4);
    TextBatch first = dataset.documents(Split.TRAIN, DEALING, 0, 1).epoch(0, 0).next();
    TextBatch second = dataset.documents(Split.TRAIN, other, 0, 1).epoch(0, 0).next();
    assertThat(line(first, 0)).isNotEqualTo(line(second, 0));
  }

  @Test
  void whatIsBeyondADocumentsEndIsPadding() {
    DocumentBatches batches = dataset.documents(Split.TRAIN, DEALING, 0, 1).epoch(0, 0);
    int pad = dataset.contract().padId();
    while (batches.hasNext()) {
      TextBatch batch = batches.next();
      int longest = 0;
      for (int b = 0; b < batch.size(); b++) {
        longest = Math.max(longest, batch.length(b));
        for (int t = 0; t < batch.timeSteps(); t++) {
          assertThat(batch.ids()[t * batch.size() + b] == pad).isEqualTo(t >= batch.length(b));
        }
      }
      assertThat(batch.timeSteps()).isEqualTo(longest);
    }
  }

  /**
   * As expected, and under the tenth that it may be; with pools of 8 batches it is about a quarter.
   */
  @Test
  void littleOfWhatIsComputedIsPadding() {
    Padding expected = dataset.padding(Split.TRAIN, DEALING.batchSize());
    double mean = 0;
    for (int epoch = 0; epoch < 10; epoch++) {
      DocumentBatches batches = dataset.documents(Split.TRAIN, DEALING, 0, 1).epoch(epoch, 0);
      long computed = 0;
      while (batches.hasNext()) {
        TextBatch batch = batches.next();
        computed += (long) batch.timeSteps() * batch.size();
      }
      mean += (1 - (double) dataset.tokens(Split.TRAIN) / computed) / 10;
    }

    assertThat(expected.poolBatches()).isLessThan(8);
    assertThat(mean).isLessThan(0.1);
    // what is expected has lengths to 1 part in 64
    assertThat(expected.share().getAsDouble()).isCloseTo(mean, within(0.02));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void storedOrderIsByLengthAndDealtWhole(int ranks) {
    var names = new ArrayList<String>();
    int before = 0;
    for (int rank = 0; rank < ranks; rank++) {
      DocumentBatches batches = dataset.documentsInOrder(Split.TRAIN, 7, rank, ranks);
      while (batches.hasNext()) {
        TextBatch batch = batches.next();
        for (int b = 0; b < batch.size(); b++) {
          assertThat(batch.position(b)).isEqualTo(names.size());
          assertThat(batch.length(b)).isGreaterThanOrEqualTo(before);
          before = batch.length(b);
          names.add(batch.name(b));
        }
      }
    }
    assertThat(names).doesNotHaveDuplicates().hasSize(DOCUMENTS);
  }

  @Test
  void batchesInStoredOrderAreBoundedByTheirTokens(@TempDir Path other) {
    var text = new StringBuilder();
    for (int length : new int[] {30_000, 1, 100_000, 2, 30_000, 3, 30_000}) {
      text.append("w ".repeat(length)).append('\n');
    }
    TextBuild build =
        TextBuild.in(other).text("t.txt", text.toString()).with("text.max-tokens = 0");
    build.run();

    var shapes = new ArrayList<String>();
    for (int rank = 0; rank < 2; rank++) {
      DocumentBatches batches = build.open().documentsInOrder(Split.TRAIN, 4, rank, 2);
      while (batches.hasNext()) {
        TextBatch batch = batches.next();
        assertThat(batch.globalSize()).isEqualTo(batch.size());
        shapes.add(
            "rank %d: %d from %d, %d steps"
                .formatted(rank, batch.size(), batch.position(0), batch.timeSteps()));
      }
    }

    // 65,536 tokens hold two documents of 30,000
    assertThat(shapes)
        .containsExactly(
            "rank 0: 3 from 0, 3 steps",
            "rank 0: 1 from 3, 30000 steps",
            "rank 1: 2 from 4, 30000 steps",
            "rank 1: 1 from 6, 100000 steps");
  }

  @Test
  void longDocumentsAreReadFewAtATime() {
    // 4,194,304 tokens hold 41 documents of 100,000
    var runs = List.of(new Run(100, 5000), new Run(100_000, 100), new Run(9_000_000, 2));
    DocumentBatches.Order order = DocumentBatches.stored(5102, 512, runs);

    assertThat(order.pool(0)).isEqualTo(new Pool(0, 4096, 4096));
    assertThat(order.pool(5000)).isEqualTo(new Pool(5000, 5041, 5041));
    assertThat(order.pool(5090)).isEqualTo(new Pool(5090, 5100, 5100));
    assertThat(order.pool(5100)).isEqualTo(new Pool(5100, 5101, 5101));
    assertThat(DocumentBatches.stored(5102, 512, null).pool(5000))
        .isEqualTo(new Pool(5000, 5102, 5102));
  }

  @Test
  void aBatchThatNoArrayHoldsIsRefused() {
    List<int[]> documents = Collections.nCopies(513, new int[4_200_000]);

    assertThatThrownBy(() -> TextBatch.of(0, documents))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "A batch of 513 documents of up to 4200000 tokens has 2154600000 ids, padding included, and an array holds at most 2147483639. Lower the batch size to at most 511, or set a lower text.max-tokens and rebuild.");
  }

  @Test
  void aSplitWithoutDocumentsHasNoSteps() {
    assertThat(dataset.documents(Split.TEST, DEALING, 0, 1).steps()).isZero();
    assertThat(dataset.documents(Split.TEST, DEALING, 0, 1).epoch(0, 0).hasNext()).isFalse();
    assertThat(dataset.documentsInOrder(Split.TEST, 7, 0, 1).hasNext()).isFalse();
  }

  @Test
  void aDatasetOfBeforeCharactersAndLengthsWereCountedIsReadAsItWas(@TempDir Path other)
      throws IOException {
    TextBuild build = TextBuild.in(other).text("t.txt", "a b\n");
    build.run();
    Path manifest = build.dataset().resolve("manifest.json");
    var tree = (ObjectNode) ManifestJson.mapper().readTree(manifest.toFile());
    assertThat(tree.at("/splits/train/lengthRuns").toString()).isEqualTo("[[2,1]]");
    tree.get("splits")
        .forEach(split -> ((ObjectNode) split).remove(List.of("characters", "lengthRuns")));
    tree.remove(List.of("createdAt", "seal"));
    tree.put("seal", Provenance.sha256(ManifestJson.write(tree))).put("createdAt", "before");
    Files.writeString(manifest, ManifestJson.write(tree));

    TextDataset older = build.open().requireAudit();

    assertThat(older.manifest().splits().get("train").characters()).isNull();
    assertThat(older.padding(Split.TRAIN, 1).share()).isEmpty();
    assertThat(older.documents(Split.TRAIN, new Dealing(1, 1, 1), 0, 1).steps()).isEqualTo(1);
  }

  @Test
  void aManifestOrAVocabularyThatWasChangedIsRefused(@TempDir Path other) throws IOException {
    TextBuild build = TextBuild.in(other).text("t.txt", "a b\n");
    build.run();
    Path manifest = build.dataset().resolve("manifest.json");
    Path vocabulary = build.dataset().resolve("vocabulary.jsonl");
    Files.writeString(
        manifest,
        Files.readString(manifest).replace("\"unknownTokens\" : 0", "\"unknownTokens\" : 1"));
    Files.writeString(vocabulary, Files.readString(vocabulary).replace("\"a\"", "\"x\""));

    assertThatThrownBy(() -> build.open().requireAudit())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s/manifest.json was changed after its audit: its seal is not that of its content. Build the dataset again with build-sequences."
                .formatted(build.dataset()));
    assertThatThrownBy(() -> build.open().vocabulary())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(
            vocabulary + " is not the file that the manifest was written with: its SHA-256 is ");
  }

  @Test
  void aFileThatIsGoneOrTruncatedIsNamed(@TempDir Path other) throws IOException {
    TextBuild build = TextBuild.in(other).text("t.txt", "a b\n");
    build.run();
    Path part = build.dataset().resolve("split=train/part-00000.parquet");
    byte[] bytes = Files.readAllBytes(part);
    Files.write(part, java.util.Arrays.copyOf(bytes, bytes.length / 2));

    assertThatThrownBy(() -> build.open().documentsInOrder(Split.TRAIN, 1, 0, 1).next())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(part + " cannot be read as Parquet: ")
        .hasMessageEndingWith(
            "The file is truncated or corrupt. Rebuild the dataset with build-sequences, or restore the file.");
    Files.delete(part);
    assertThatThrownBy(() -> build.open().documentsInOrder(Split.TRAIN, 1, 0, 1).next())
        .hasMessage(
            "The dataset part at %s does not exist. Check the path, or run the job that writes it."
                .formatted(part));
  }
}
