package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SequenceDatasetTest {
  private final Configuration hadoop = new Configuration();
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(TargetType.class)
  void segmentsComeBackAsTheyWereWritten(TargetType type) {
    TinyDataset tiny =
        switch (type) {
          case FORECAST -> TinyDataset.forecast().calendar(WindowContract.Calendar.HOUR_OF_DAY);
          case CLASS -> TinyDataset.classes().masks();
          case EVENT -> TinyDataset.event().ordinal().timeSinceLast();
          case REMAINING_LIFE -> TinyDataset.remainingLife().inputs("temperature").masks();
        };
    tiny.missing(0.1).noise(0.5);

    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);

    for (Split split : Split.values()) {
      assertSegmentsMatch(dataset, split, tiny.segments(split));
    }
  }

  /** 4096 rows fill a column batch; these segments are longer, shorter and much shorter. */
  @ParameterizedTest
  @CsvSource({"5000,true", "5000,false", "3000,true", "10,false"})
  void segmentsArePutTogetherAcrossColumnBatches(int segmentSteps, boolean dictionary) {
    TinyDataset tiny =
        TinyDataset.forecast().days(400).segmentSteps(segmentSteps).periodDays(1000).series(3);
    if (!dictionary) {
      tiny.withoutDictionary();
    }

    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);

    assertSegmentsMatch(dataset, Split.TRAIN, tiny.segments(Split.TRAIN));
  }

  @Test
  void shuffledWindowsHoldTheSameNumbersAsOrderedOnes() {
    SequenceDataset dataset =
        SequenceDataset.open(TinyDataset.forecast().noise(1).write(folder), hadoop);
    var expected = new java.util.HashMap<String, String>();
    for (var batches = dataset.inOrder(Split.VALIDATION, 9); batches.hasNext(); ) {
      WindowBatch batch = batches.next();
      for (int b = 0; b < batch.size(); b++) {
        expected.put(name(batch, b), content(dataset.contract(), batch, b));
      }
    }

    var actual = new java.util.HashMap<String, String>();
    for (var batches = shuffled(dataset, Split.VALIDATION, 11, 1, 1); batches.hasNext(); ) {
      WindowBatch batch = batches.next();
      for (int b = 0; b < batch.size(); b++) {
        actual.put(name(batch, b), content(dataset.contract(), batch, b));
      }
    }

    assertThat(actual).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 10, 101, 1_000_000})
  void aSubsetIsEvenlySpacedAndTheSameInAnyOrder(long most) {
    SequenceDataset all = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    SequenceDataset some = all.withAtMost(most);
    List<String> everything = names(all.inOrder(Split.TRAIN, 64));

    List<String> chosen = names(some.inOrder(Split.TRAIN, 64));

    assertThat(chosen).hasSize((int) Math.min(most, everything.size()));
    assertThat(some.windows(Split.TRAIN)).isEqualTo(chosen.size());
    assertThat(names(shuffled(some, Split.TRAIN, 64, 1, 0)))
        .containsExactlyInAnyOrderElementsOf(chosen);
    int widest = 0;
    for (int i = 1; i < chosen.size(); i++) {
      widest =
          Math.max(
              widest, everything.indexOf(chosen.get(i)) - everything.indexOf(chosen.get(i - 1)));
    }
    assertThat(widest).isLessThanOrEqualTo((int) Math.ceil((double) everything.size() / most));
  }

  @Test
  void manyThreadsReadOneDataset() throws Exception {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    List<String> expected = names(shuffled(dataset, Split.TRAIN, 16, 5, 2));
    var pool = java.util.concurrent.Executors.newFixedThreadPool(4);

    var futures = new ArrayList<java.util.concurrent.Future<List<String>>>();
    for (int i = 0; i < 8; i++) {
      futures.add(pool.submit(() -> names(shuffled(dataset, Split.TRAIN, 16, 5, 2))));
    }

    for (var future : futures) {
      assertThat(future.get()).isEqualTo(expected);
    }
    pool.shutdown();
  }

  @Test
  void anUnfinishedReadCanBeClosed() {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);

    try (WindowBatches batches = shuffled(dataset, Split.TRAIN, 16, 5, 2)) {
      batches.next();
      batches.close();
      assertThat(batches.hasNext()).isFalse();
    }
    try (WindowBatches batches = dataset.inOrder(Split.TRAIN, 16)) {
      batches.next();
    }
  }

  @Test
  void anEmptySplitHasNoBatches() {
    // two days: the test split is shorter than a window
    SequenceDataset dataset =
        SequenceDataset.open(TinyDataset.forecast().days(3).write(folder), hadoop);

    assertThat(dataset.windows(Split.TEST)).isZero();
    assertThat(dataset.inOrder(Split.TEST, 8).hasNext()).isFalse();
    assertThat(shuffled(dataset, Split.TEST, 8, 1, 1).hasNext()).isFalse();
  }

  @Test
  void refusesAMissingFolder() {
    assertThatThrownBy(() -> SequenceDataset.open(folder + "/nothing", hadoop))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "The dataset at %s/nothing does not exist. Check the path, or run the job that writes it."
                .formatted(folder));
  }

  @Test
  void refusesAFolderThatIsNoDataset() throws IOException {
    Files.writeString(folder.resolve("notes.txt"), "hello");

    assertThatThrownBy(() -> SequenceDataset.open(folder.toString(), hadoop))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s is not a sequence dataset: it has no manifest.json (has: [notes.txt]). Check the path, or run build-sequences."
                .formatted(folder));
  }

  @Test
  void refusesADatasetWithoutAnAudit() {
    String uri = TinyDataset.forecast().withoutAudit().write(folder);

    assertThatThrownBy(() -> SequenceDataset.open(uri, hadoop).requireAudit())
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s has no leakage audit, so its splits may share data. Rebuild it with build-sequences."
                .formatted(uri.substring(0, uri.length() - 1)));
  }

  @Test
  void refusesADatasetThatFailedItsAudit() throws IOException {
    String uri = TinyDataset.forecast().write(folder);
    rewriteManifest(
        text ->
            text.replaceAll(
                    "\"finding\" : \"[^\"]*\",\\s*\"name\" : \"shared steps\",\\s*\"passed\" : true",
                    "\"finding\" : \"train and test share 12 steps\", \"name\" : \"shared steps\", \"passed\" : false")
                .replaceAll("(?s)(\"checks\" : \\[.*?\\],\\s*\"passed\" : )true", "$1false"));

    assertThatThrownBy(() -> SequenceDataset.open(uri, hadoop).requireAudit())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "failed its leakage audit: shared steps: train and test share 12 steps. Change split or scaling and rebuild it with build-sequences.");
  }

  @ParameterizedTest
  @CsvSource({
    "a scaler,          '\"center\" : (\\d+)',   '\"center\" : 1$1'",
    "a part's split,    '\"split\" : \"test\"',  '\"split\" : \"train\"'",
    "the embargo,       '\"embargoSteps\" : 0',  '\"embargoSteps\" : 30'",
    "a bound,           '\"splitBounds\" : . ', '\"splitBounds\" : { \"trainEnd\" : 7 '",
    "an audit's finding, 'splits share no step', 'splits share one step'",
  })
  void refusesADatasetThatWasEditedAfterItsAudit(String what, String found, String put)
      throws IOException {
    String uri = TinyDataset.forecast().write(folder);
    rewriteManifest(text -> text.replaceFirst(found, put));

    SequenceDataset edited = SequenceDataset.open(uri, hadoop);

    String message =
        "%smanifest.json was changed after its leakage audit: its seal is not that of its content. Build the dataset again, in full, with build-sequences."
            .formatted(uri);
    assertThatThrownBy(edited::requireAudit)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
    assertThatThrownBy(edited::requireUnchanged)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
  }

  @Test
  void aSealIsOfTheContentAndNotOfTheLayoutOrTheTime() throws IOException {
    String uri = TinyDataset.forecast().write(folder);
    String seal = SequenceDataset.open(uri, hadoop).manifest().seal();
    rewriteManifest(
        text -> text.replace("2024-06-01T00:00:00Z", "2025-06-01T00:00:00Z").replace("\n", "\r\n"));

    SequenceDataset later = SequenceDataset.open(uri, hadoop).requireAudit();

    assertThat(later.manifest().seal()).isEqualTo(seal).matches("[0-9a-f]{64}");
  }

  @Test
  void aDatasetWithoutASealCountsAsNotAudited() throws IOException {
    String uri = TinyDataset.forecast().write(folder);
    rewriteManifest(text -> text.replaceFirst("\\s*\"seal\" : \"[0-9a-f]*\",", ""));

    SequenceDataset unsealed = SequenceDataset.open(uri, hadoop).requireUnchanged();

    assertThatThrownBy(unsealed::requireAudit)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%smanifest.json has no seal, so its leakage audit may be of other scalers or parts. Rebuild it with build-sequences."
                .formatted(uri));
  }

  @Test
  void refusesTheLayoutForOtherTools() throws IOException {
    String uri = TinyDataset.forecast().write(folder);
    rewriteManifest(text -> text.replace("\"layout\" : \"segments\"", "\"layout\" : \"windows\""));

    assertThatThrownBy(() -> SequenceDataset.open(uri, hadoop).inOrder(Split.TRAIN, 4))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has dataset.layout = windows, which is for other tools")
        .hasMessageContaining("Rebuild it with dataset.layout = segments.");
  }

  @Test
  void namesAPartThatIsMissing() throws IOException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    Path part = part(dataset);
    Files.delete(part);

    assertThatThrownBy(() -> names(dataset.inOrder(Split.TRAIN, 4)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("The dataset part at " + uriOf(dataset) + " does not exist.");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3, 0.99})
  void namesAPartThatIsTruncated(double share) throws IOException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    Path part = part(dataset);
    byte[] bytes = Files.readAllBytes(part);
    rewrite(part, Arrays.copyOf(bytes, (int) (share * bytes.length)));

    assertThatThrownBy(() -> names(shuffled(dataset, Split.TRAIN, 4, 1, 1)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(uriOf(dataset) + " cannot be read as Parquet: ")
        .hasMessageEndingWith(
            "The file is truncated or corrupt. Rebuild the dataset with build-sequences, or restore"
                + " the file.");
  }

  @Test
  void namesAPartWithDamagedPages() throws IOException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    Path part = part(dataset);
    byte[] bytes = Files.readAllBytes(part);
    Arrays.fill(bytes, 40, bytes.length / 2, (byte) 0x5a); // pages, not the footer
    rewrite(part, bytes);

    assertThatThrownBy(() -> names(dataset.inOrder(Split.TRAIN, 4)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(uriOf(dataset) + " cannot be read as Parquet: ");
  }

  @Test
  void namesAColumnThatIsMissing() throws IOException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    TinyDataset other = TinyDataset.forecast().channels("load", "vibration");
    Path part = part(dataset);
    Files.delete(part);
    new TinyParquet(other.contract(), true)
        .write(part.toUri().toString(), other.segments(Split.TRAIN));

    assertThatThrownBy(() -> names(dataset.inOrder(Split.TRAIN, 4)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "%s lacks column temperature (has: [series, segment, time, load, vibration, origin]). Rebuild the dataset with build-sequences, or restore the file."
                .formatted(uriOf(dataset)));
  }

  @Test
  void countsAreHeldAgainstTheManifest() throws IOException {
    TinyDataset tiny = TinyDataset.forecast().periodDays(1000);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    List<Segment> segments = tiny.segments(Split.TRAIN);
    Path part = part(dataset);
    Files.delete(part);
    new TinyParquet(tiny.contract(), true)
        .write(part.toUri().toString(), segments.subList(0, segments.size() - 1));

    assertThatThrownBy(() -> names(dataset.inOrder(Split.TRAIN, 4)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("%s holds %d segments".formatted(uriOf(dataset), segments.size() - 1))
        .hasMessageContaining("; the manifest says %d, ".formatted(segments.size()))
        .hasMessageContaining("The file was changed or mixed up after the build.");
  }

  @Test
  void aLongerPartThanTheManifestSaysFailsToo() throws IOException {
    TinyDataset tiny = TinyDataset.forecast().periodDays(1000);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    List<Segment> segments = new ArrayList<>(tiny.segments(Split.TRAIN));
    segments.addAll(tiny.segments(Split.TEST));
    Path part = part(dataset);
    Files.delete(part);
    new TinyParquet(tiny.contract(), true).write(part.toUri().toString(), segments);

    assertThatThrownBy(() -> names(dataset.inOrder(Split.TRAIN, 4)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("The file was changed or mixed up after the build.");
  }

  private static void assertSegmentsMatch(
      SequenceDataset dataset, Split split, List<Segment> expected) {
    // stored order within a split is by part: period first, then series
    var remaining = new ArrayList<>(expected);
    for (SequenceManifest.Part part : dataset.parts(split)) {
      for (var segments = dataset.segments(part); segments.hasNext(); ) {
        Segment actual = segments.next();
        Segment match =
            remaining.stream()
                .filter(s -> s.series().equals(actual.series()) && s.id() == actual.id())
                .findFirst()
                .orElseThrow();
        assertThat(actual.times()).isEqualTo(match.times());
        // as text, where NaN equals NaN
        assertThat(Arrays.deepToString(actual.values()))
            .isEqualTo(Arrays.deepToString(match.values()));
        assertThat(actual.origins()).isEqualTo(match.origins());
        assertThat(actual.label()).isEqualTo(match.label());
        if (match.ages() == null) {
          assertThat(actual.ages()).isNull();
        } else {
          assertThat(Arrays.deepToString(actual.ages()))
              .isEqualTo(Arrays.deepToString(match.ages()));
        }
        remaining.remove(match);
      }
    }
    assertThat(remaining).isEmpty();
  }

  private static WindowBatches shuffled(
      SequenceDataset dataset, Split split, int batchSize, long seed, int epoch) {
    var dealing = new Dealing(batchSize, Math.min(Dealing.DEFAULT_SHARDS, batchSize), seed);
    return dataset.shards(split, dealing, 0, 1).epoch(epoch, 0);
  }

  private static List<String> names(WindowBatches batches) {
    return batches(batches).stream().flatMap(List::stream).toList();
  }

  private static List<List<String>> batches(WindowBatches batches) {
    var all = new ArrayList<List<String>>();
    while (batches.hasNext()) {
      WindowBatch batch = batches.next();
      var windows = new ArrayList<String>();
      for (int b = 0; b < batch.size(); b++) {
        windows.add(name(batch, b));
      }
      all.add(windows);
    }
    return all;
  }

  private static String name(WindowBatch batch, int b) {
    return batch.series(b) + "@" + batch.origin(b);
  }

  private static String content(WindowContract contract, WindowBatch batch, int b) {
    int I = contract.inputSize();
    var text = new StringBuilder();
    for (int t = 0; t < contract.lookBack(); t++) {
      int at = (t * batch.size() + b) * I;
      text.append(Arrays.toString(Arrays.copyOfRange(batch.inputs(), at, at + I)));
    }
    int K = contract.targetSize();
    return text.append(Arrays.toString(Arrays.copyOfRange(batch.targets(), b * K, (b + 1) * K)))
        .toString();
  }

  private Path part(SequenceDataset dataset) {
    return folder.resolve(dataset.parts(Split.TRAIN).get(0).path());
  }

  private static String uriOf(SequenceDataset dataset) {
    return dataset.uri() + "/" + dataset.parts(Split.TRAIN).get(0).path();
  }

  /** Without the checksum file that Hadoop keeps beside it. */
  private static void rewrite(Path part, byte[] bytes) throws IOException {
    Files.write(part, bytes);
    Files.deleteIfExists(part.resolveSibling("." + part.getFileName() + ".crc"));
  }

  private void rewriteManifest(java.util.function.UnaryOperator<String> change) throws IOException {
    Path manifest = folder.resolve(SequenceManifest.FILE_NAME);
    String before = Files.readString(manifest);
    String after = change.apply(before);
    assertThat(after).isNotEqualTo(before);
    Files.writeString(manifest, after);
  }
}
