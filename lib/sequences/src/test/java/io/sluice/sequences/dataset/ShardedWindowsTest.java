package io.sluice.sequences.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedWindowsTest {
  private static final long IN_MEMORY = Long.MAX_VALUE;
  private static final long STREAMED = 0;

  private final Configuration hadoop = new Configuration();
  @TempDir Path folder;

  /** A dataset, a dealing and a size of groups drawn from a seed. */
  private final class Case {
    final SequenceDataset dataset;
    final Dealing dealing;
    final long groupBytes;
    final int windows;

    Case(long seed) {
      var random = new Random(seed);
      TinyDataset tiny =
          switch (random.nextInt(3)) {
            case 0 -> TinyDataset.classes().masks();
            case 1 -> TinyDataset.remainingLife().timeSinceLast().ordinal();
            default ->
                TinyDataset.forecast()
                    .knownFuture("load")
                    .calendar(WindowContract.Calendar.HOUR_OF_DAY)
                    .horizon(1 + random.nextInt(8));
          };
      tiny.series(1 + random.nextInt(4))
          .days(8 + random.nextInt(20))
          .lookBack(1 + random.nextInt(20))
          .stride(1 + random.nextInt(3))
          .segmentSteps(5 + random.nextInt(100))
          .periodDays(1 + random.nextInt(12))
          .pageRows(20 + random.nextInt(300))
          .windowNormalization(WindowNormalization.values()[random.nextInt(3)])
          .missing(random.nextInt(2) * 0.2)
          .noise(1);
      SequenceDataset all =
          SequenceDataset.open(tiny.write(folder.resolve("case-" + seed)), hadoop);
      SequenceDataset some = random.nextInt(3) == 0 ? all.withAtMost(1 + random.nextInt(300)) : all;
      dataset = random.nextBoolean() ? some.withSequenceTargets() : some;
      windows = (int) dataset.windows(Split.TRAIN);
      int batchSize = 1 + random.nextInt(100);
      dealing = new Dealing(batchSize, 1 + random.nextInt(Math.min(12, batchSize)), seed);
      groupBytes = 1 + random.nextInt(60_000);
    }

    ShardedWindows shards(int rank, int ranks, long memoryBytes) {
      return dataset.shards(Split.TRAIN, dealing, rank, ranks, memoryBytes, groupBytes);
    }

    /** Content of each position of an epoch by what all ranks read; checks each step's sizes. */
    Map<Long, String> read(int ranks, int epoch, long fromStep, long memoryBytes) {
      var byPosition = new TreeMap<Long, String>();
      int[] sizes = new int[(int) dealing.steps(windows)];
      for (int rank = 0; rank < ranks; rank++) {
        try (ShardedWindows mine = shards(rank, ranks, memoryBytes);
            WindowBatches batches = mine.epoch(epoch, fromStep)) {
          assertThat(mine.windows()).isEqualTo(windows);
          assertThat(mine.isInMemory()).isEqualTo(memoryBytes == IN_MEMORY);
          for (long step = fromStep; step < mine.steps(); step++) {
            WindowBatch batch = batches.next();
            assertThat(batch.globalSize()).isEqualTo(dealing.globalSize(windows, step));
            sizes[(int) step] += batch.size();
            for (int b = 0; b < batch.size(); b++) {
              long position = batch.position(b);
              assertThat(position / dealing.batchSize()).isEqualTo(step);
              assertThat(position % dealing.shards() % ranks).isEqualTo(rank);
              assertThat(b == 0 || batch.position(b - 1) < position).isTrue();
              assertThat(byPosition.put(position, content(dataset, batch, b))).isNull();
            }
          }
          assertThat(batches.hasNext()).isFalse();
        }
      }
      for (int step = (int) fromStep; step < sizes.length; step++) {
        assertThat(sizes[step]).isEqualTo(dealing.globalSize(windows, step));
      }
      return byPosition;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void ranksTogetherHaveTheBatchesOfOne(long seed) {
    var one = new Case(seed);
    Map<Long, String> expected = one.read(1, 3, 0, IN_MEMORY);

    assertThat(expected).hasSize(one.windows);
    for (int ranks = 1; ranks <= one.dealing.shards(); ranks++) {
      long memoryBytes = ranks % 2 == 0 ? IN_MEMORY : STREAMED;
      assertThat(one.read(ranks, 3, 0, memoryBytes)).as("%d ranks", ranks).isEqualTo(expected);
    }
  }

  /** The rule by itself: shards are ranges of the manifest's order, positions go round them. */
  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23, 24, 25})
  void eachWindowComesOnceAnEpochAtAPositionOfItsShard(long seed) {
    var one = new Case(seed);
    var inOrder = new ArrayList<String>();
    try (WindowBatches batches = one.dataset.inOrder(Split.TRAIN, 50)) {
      while (batches.hasNext()) {
        WindowBatch batch = batches.next();
        for (int b = 0; b < batch.size(); b++) {
          assertThat(batch.position(b)).isEqualTo(inOrder.size());
          inOrder.add(content(one.dataset, batch, b));
        }
      }
    }
    int S = one.dealing.shards();

    Map<Long, String> dealt = one.read(1, 0, 0, STREAMED);

    assertThat(dealt.values()).containsExactlyInAnyOrderElementsOf(inOrder);
    int from = 0;
    for (int shard = 0; shard < S; shard++) {
      int size = inOrder.size() / S + (shard < inOrder.size() % S ? 1 : 0);
      Set<String> range = new HashSet<>(inOrder.subList(from, from + size));
      for (long position = shard; position < inOrder.size(); position += S) {
        assertThat(range).contains(dealt.get(position));
      }
      from += size;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {31, 32, 33})
  void beginningAtAStepGivesWhatAnUninterruptedReaderComesTo(long seed) {
    var one = new Case(seed);
    long steps = one.dealing.steps(one.windows);
    var whole = new TreeMap<>(one.read(1, 1, 0, STREAMED));

    for (long fromStep : new long[] {1, steps / 2, steps - 1, steps}) {
      long position = Math.min(one.windows, fromStep * one.dealing.batchSize());
      assertThat(one.read(1, 1, fromStep, STREAMED)).isEqualTo(whole.tailMap(position));
      assertThat(one.read(one.dealing.shards(), 1, fromStep, IN_MEMORY))
          .isEqualTo(whole.tailMap(position));
    }
  }

  @Test
  void epochsAndSeedsHaveOrdersOfTheirOwn() {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);

    List<String> order = names(dataset, new Dealing(32, 8, 5), 2);

    assertThat(names(dataset, new Dealing(32, 8, 5), 2)).isEqualTo(order);
    // the batch size cuts the same order into other pieces
    assertThat(names(dataset, new Dealing(77, 8, 5), 2)).isEqualTo(order);
    assertThat(names(dataset, new Dealing(32, 8, 5), 3)).isNotEqualTo(order);
    assertThat(names(dataset, new Dealing(32, 8, 6), 2)).isNotEqualTo(order);
    assertThat(names(dataset, new Dealing(32, 9, 5), 2)).isNotEqualTo(order);
  }

  /**
   * A run that resumes, or is repeated by another release, meets this order. A change of it is a
   * change of the format, and goes into the release's notes.
   */
  @Test
  void theOrderIsPinned() {
    TinyDataset tiny = TinyDataset.forecast().series(3).segmentSteps(30).periodDays(7);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    var hash = new CRC32();

    for (int epoch = 0; epoch < 3; epoch++) {
      try (ShardedWindows windows =
              dataset.shards(Split.TRAIN, new Dealing(48, 5, 1234), 0, 1, IN_MEMORY, 9_000);
          WindowBatches batches = windows.epoch(epoch, 0)) {
        names(batches).forEach(name -> hash.update(name.getBytes()));
      }
    }

    assertThat(Long.toHexString(hash.getValue())).isEqualTo("6244dba2");
  }

  @Test
  void oneReaderServesEpochAfterEpoch() {
    var one = new Case(41);
    for (long memoryBytes : new long[] {IN_MEMORY, STREAMED}) {
      try (ShardedWindows windows = one.shards(0, 1, memoryBytes)) {
        for (int epoch = 0; epoch < 3; epoch++) {
          var dealt = new ArrayList<String>();
          try (WindowBatches batches = windows.epoch(epoch, 0)) {
            while (batches.hasNext()) {
              WindowBatch batch = batches.next();
              for (int b = 0; b < batch.size(); b++) {
                dealt.add(content(one.dataset, batch, b));
              }
            }
          }
          assertThat(dealt).containsExactlyElementsOf(one.read(1, epoch, 0, IN_MEMORY).values());
        }
      }
    }
  }

  /** The batch of a step shall mix over the whole range of every shard, not run through it. */
  @Test
  void aShardsGroupsComeInRandomOrder() {
    TinyDataset tiny = TinyDataset.forecast().series(1).days(200).segmentSteps(10).periodDays(1000);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    Map<String, Integer> inOrder = new HashMap<>();
    try (WindowBatches batches = dataset.inOrder(Split.TRAIN, 64)) {
      names(batches).forEach(name -> inOrder.put(name, inOrder.size()));
    }
    try (ShardedWindows windows =
            dataset.shards(Split.TRAIN, new Dealing(64, 1, 7), 0, 1, IN_MEMORY, 1_000);
        WindowBatches batches = windows.epoch(0, 0)) {
      double mean =
          names(batches).subList(0, 320).stream().mapToInt(inOrder::get).average().orElseThrow();

      // 32 groups of 10 from 334: their mean is that of all, 1,667, give or take 170 (one sigma)
      assertThat(mean).isBetween(1_667 - 4 * 170.0, 1_667 + 4 * 170.0);
    }
  }

  @ParameterizedTest
  @CsvSource({"2,50", "3,7", "16,64", "40,1"})
  void validationBatchesDoNotDependOnTheNumberOfRanks(int ranks, int batchSize) {
    TinyDataset tiny = TinyDataset.forecast().series(3).periodDays(2).segmentSteps(17);
    SequenceDataset all = SequenceDataset.open(tiny.write(folder), hadoop);
    for (SequenceDataset dataset : List.of(all, all.withAtMost(101))) {
      List<List<String>> alone = batches(dataset.inOrder(Split.VALIDATION, batchSize));

      var together = new ArrayList<List<String>>();
      for (int rank = 0; rank < ranks; rank++) {
        List<List<String>> mine =
            batches(dataset.inOrder(Split.VALIDATION, batchSize, rank, ranks));
        assertThat(mine.size() - alone.size() / ranks).isBetween(0, 1);
        together.addAll(mine);
      }

      assertThat(together).isEqualTo(alone);
    }
  }

  @Test
  void aRankOpensOnlyThePartsOfItsShards() throws IOException {
    TinyDataset tiny = TinyDataset.forecast().periodDays(2).series(1);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    List<SequenceManifest.Part> parts = dataset.parts(Split.TRAIN);
    int shards = 20;
    var dealing = new Dealing(64, shards, 1);
    long windows = dataset.windows(Split.TRAIN);
    long endOfFirst = dealing.firstWindow(1, windows);
    long beginOfLast = dealing.firstWindow(shards - 1, windows);
    int deleted = 0;
    long window = 0;
    for (SequenceManifest.Part part : parts) {
      if (window >= endOfFirst && window + part.windows() <= beginOfLast) {
        Files.delete(folder.resolve(part.path()));
        deleted++;
      }
      window += part.windows();
    }

    assertThat(deleted).isGreaterThan(8);
    for (int rank : new int[] {0, shards - 1}) {
      for (long memoryBytes : new long[] {IN_MEMORY, STREAMED}) {
        try (ShardedWindows mine = dataset.shards(Split.TRAIN, dealing, rank, shards, memoryBytes);
            WindowBatches batches = mine.epoch(0, 0)) {
          assertThat(names(batches))
              .hasSize((int) (rank == 0 ? endOfFirst : windows - beginOfLast));
        }
      }
      try (WindowBatches batches = dataset.inOrder(Split.TRAIN, 4, rank, shards)) {
        assertThat(names(batches)).isNotEmpty();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    // windows, batch size, shards: fewer windows than shards, than a batch; a batch larger than a
    // shard; shards of one window; batches of one window
    "5,     64, 16",
    "1,     4,  4",
    "40,    64, 8",
    "300,   64, 64",
    "64,    64, 64",
    "65,    64, 64",
    "100,   1,  1",
  })
  void unevenCasesDealEachWindowOnce(int windows, int batchSize, int shards) {
    SequenceDataset dataset =
        SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop).withAtMost(windows);
    var dealing = new Dealing(batchSize, shards, 3);

    for (int ranks : new int[] {1, (shards + 1) / 2, shards}) {
      var together = new ArrayList<String>();
      for (int rank = 0; rank < ranks; rank++) {
        try (ShardedWindows mine = dataset.shards(Split.TRAIN, dealing, rank, ranks);
            WindowBatches batches = mine.epoch(0, 0)) {
          List<List<String>> steps = batches(batches);
          assertThat(steps).hasSize((windows + batchSize - 1) / batchSize);
          steps.forEach(together::addAll);
        }
      }
      assertThat(together).hasSize(windows).doesNotHaveDuplicates();
    }
  }

  @Test
  void anEmptySplitHasNoSteps() {
    SequenceDataset dataset =
        SequenceDataset.open(TinyDataset.forecast().days(3).write(folder), hadoop);

    try (ShardedWindows windows = dataset.shards(Split.TEST, new Dealing(8, 4, 1), 1, 2)) {
      assertThat(windows.steps()).isZero();
      assertThat(windows.epoch(0, 0).hasNext()).isFalse();
    }
  }

  @Test
  void refusesWhatCannotBeDealt() {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    var dealing = new Dealing(16, 8, 1);

    assertThatThrownBy(() -> new Dealing(16, 17, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shards is 17, expected 1 ≤ shards ≤ batchSize = 16");
    assertThatThrownBy(() -> new Dealing(0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("batchSize is 0, expected at least 1");
    assertThatThrownBy(() -> dataset.shards(Split.TRAIN, dealing, 0, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "ranks is 9, but there are 8 shards and a rank needs one. Use fewer ranks, or more shards (up to the batch size, 16)");
    assertThatThrownBy(() -> dataset.shards(Split.TRAIN, dealing, 3, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rank is 3, expected 0 ≤ rank < ranks = 3");
    assertThatThrownBy(() -> dataset.shards(Split.TRAIN, dealing, 0, 2).epoch(0, 99))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("fromStep is 99, expected 0 ≤ fromStep ≤ 81, the steps of an epoch");
  }

  @Test
  void pagesOfOtherSegmentsArePassedOver() {
    TinyDataset tiny =
        TinyDataset.forecast().series(4).days(60).segmentSteps(24).periodDays(1000).pageRows(100);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    SequenceManifest.Part part = dataset.parts(Split.TRAIN).get(0);
    List<Segment> all = new ArrayList<>();
    dataset.segments(part).forEachRemaining(all::add);
    Segment wanted = all.get(all.size() / 2);
    var slice =
        new Slice(0, part, wanted.series(), wanted.id(), 0, wanted.steps(), 0, wanted.windows());

    var read = new ArrayList<Segment>();
    try (var reader =
        new SegmentReader(
            dataset.uri(),
            part,
            dataset.contract(),
            hadoop,
            new Footers(1),
            StreamedSlices.rowsOf(List.of(slice)))) {
      reader.forEachRemaining(read::add);
    }

    // its rows lie in one or two pages of 100, and so may the end of the series before it
    assertThat(all).hasSizeGreaterThan(150);
    assertThat(read).hasSizeLessThan(15);
    assertThat(read)
        .filteredOn(slice::isOf)
        .singleElement()
        .satisfies(
            segment -> {
              assertThat(segment.times()).isEqualTo(wanted.times());
              assertThat(segment.values()).isDeepEqualTo(wanted.values());
            });
  }

  @Test
  void aPartWithDamagedPagesIsNamedByTheReaderInTheBackground() throws IOException {
    SequenceDataset dataset =
        SequenceDataset.open(TinyDataset.forecast().noise(1).write(folder), hadoop);
    Path part = part(dataset);
    try (ShardedWindows windows =
        dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 0, 1, STREAMED)) {
      byte[] bytes = Files.readAllBytes(part);
      Arrays.fill(bytes, 40, bytes.length / 2, (byte) 0x5a); // pages, not the footer
      rewrite(part, bytes);

      assertThatThrownBy(() -> names(windows.epoch(0, 0)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith(uriOf(dataset) + " cannot be read as Parquet: ")
          .hasMessageEndingWith(
              "The file is truncated or corrupt. Rebuild the dataset with build-sequences, or restore the file.");
    }
  }

  @Test
  void aPartThatVanishesDuringTheRunIsNamed() throws IOException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    try (ShardedWindows windows =
        dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 0, 1, STREAMED)) {
      Files.delete(part(dataset));

      assertThatThrownBy(() -> names(windows.epoch(0, 0)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith("The dataset part at " + uriOf(dataset) + " does not exist.");
    }
  }

  @Test
  void aPartThatIsReplacedDuringTheRunIsNamed() throws IOException {
    TinyDataset tiny = TinyDataset.forecast().periodDays(1000);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    try (ShardedWindows windows =
        dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 0, 1, STREAMED)) {
      Path part = part(dataset);
      Files.delete(part);
      List<Segment> others = TinyDataset.forecast().segmentSteps(20).segments(Split.TRAIN);
      new TinyParquet(tiny.contract(), true).write(part.toUri().toString(), others);

      assertThatThrownBy(() -> names(windows.epoch(0, 0)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(
              "%s no longer holds the segments that this run found in it when it began. Leave a dataset alone while it is trained on. Rebuild the dataset with build-sequences, or restore the file."
                  .formatted(uriOf(dataset)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {IN_MEMORY, STREAMED})
  void countsAreHeldAgainstTheManifest(long memoryBytes) throws IOException {
    TinyDataset tiny = TinyDataset.forecast().periodDays(1000);
    SequenceDataset dataset = SequenceDataset.open(tiny.write(folder), hadoop);
    List<Segment> segments = tiny.segments(Split.TRAIN);
    Path part = part(dataset);
    Files.delete(part);
    new TinyParquet(tiny.contract(), true)
        .write(part.toUri().toString(), segments.subList(0, segments.size() - 1));

    assertThatThrownBy(() -> dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 7, 8, memoryBytes))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("%s holds %d segments".formatted(uriOf(dataset), segments.size() - 1))
        .hasMessageContaining("; the manifest says %d, ".formatted(segments.size()));
  }

  @Test
  void readersInTheBackgroundAreDaemonsAndEndOnClose() throws InterruptedException {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    ShardedWindows windows =
        dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 0, 1, STREAMED, 5_000);
    Set<Thread> before = new HashSet<>(readers());
    WindowBatches abandoned = windows.epoch(0, 0);
    abandoned.next();

    List<Thread> started = readers();
    started.removeAll(before);
    windows.close();

    assertThat(started).hasSizeBetween(1, 2).allMatch(Thread::isDaemon);
    for (Thread reader : started) {
      reader.join(10_000);
      assertThat(reader.isAlive()).isFalse();
    }
  }

  @Test
  void aClosedEpochEndsAndTheNextOneGoesOn() {
    SequenceDataset dataset = SequenceDataset.open(TinyDataset.forecast().write(folder), hadoop);
    try (ShardedWindows windows =
        dataset.shards(Split.TRAIN, new Dealing(16, 8, 1), 0, 1, STREAMED, 5_000)) {
      WindowBatches first = windows.epoch(0, 0);
      first.next();
      first.close();

      assertThat(first.hasNext()).isFalse();
      assertThat(names(windows.epoch(1, 0))).hasSize((int) dataset.windows(Split.TRAIN));
    }
  }

  private static List<Thread> readers() {
    return new ArrayList<>(
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("sequence-shard-reader"))
            .toList());
  }

  private static List<String> names(SequenceDataset dataset, Dealing dealing, int epoch) {
    try (ShardedWindows windows = dataset.shards(Split.TRAIN, dealing, 0, 1, IN_MEMORY, 20_000);
        WindowBatches batches = windows.epoch(epoch, 0)) {
      return names(batches);
    }
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
        windows.add(batch.series(b) + "@" + batch.origin(b));
      }
      all.add(windows);
    }
    return all;
  }

  /** Name and a hash of all numbers of a window, bit for bit. */
  private static String content(SequenceDataset dataset, WindowBatch batch, int b) {
    WindowContract contract = dataset.contract();
    int I = contract.inputSize();
    int hash = 1;
    for (int t = 0; t < contract.lookBack(); t++) {
      int at = (t * batch.size() + b) * I;
      hash = 31 * hash + hash(batch.inputs(), at, I);
    }
    int K = contract.targetSize();
    hash = 31 * hash + hash(batch.targets(), b * K, K);
    if (batch.sequenceTargets().length > 0) {
      int TK = contract.lookBack() * K;
      hash = 31 * hash + hash(batch.sequenceTargets(), b * TK, TK);
    }
    int targets = contract.target().channels().size();
    hash = 31 * hash + hash(batch.anchors(), b * targets, targets);
    return batch.series(b) + "@" + batch.origin(b) + "#" + Integer.toHexString(hash);
  }

  private static int hash(float[] array, int from, int length) {
    return Arrays.hashCode(Arrays.copyOfRange(array, from, from + length));
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
}
