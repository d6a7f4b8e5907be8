package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.Resample;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.Labels;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import io.sluice.sequences.telemetry.source.Survey;
import io.sluice.sequences.telemetry.store.BlockPlan;
import io.sluice.sequences.telemetry.store.BlockSegments;
import io.sluice.sequences.telemetry.store.PartPlan;
import io.sluice.sequences.telemetry.store.SegmentShuffle;
import io.sluice.sequences.telemetry.store.TaskCounts;
import java.io.Serializable;
import java.time.Instant;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.util.CollectionAccumulator;

/**
 * New raw telemetry as segments, by the same preparation as training, without splits, targets or
 * fitting: what scoring reads.
 *
 * <p>An origin needs its look-back in the record and, unless the contract has masks, no missing
 * input after the gap policy. Steps after it are there as far as the record goes (known-future
 * channels need them). Reads the source twice: {@link #read} counts it, {@link #segments} prepares
 * it.
 */
public final class SegmentStream {
  /** Which origins are wanted. */
  public enum OriginMode {
    /** Every origin with a complete look-back. */
    ALL,
    /** The newest such origin of each series, at most the longest filled gap before its end. */
    LAST
  }

  /**
   * What is read.
   *
   * @param described the setting and its value, for messages
   * @param path new raw data in the layout of the training source
   * @param from first origin; empty = the first possible
   * @param to last origin; empty = the last possible
   * @param origins which origins between them
   * @param partitions Spark partitions; 0 = spark.sql.shuffle.partitions
   * @param now what "too far in the future" counts from
   */
  public record Request(
      String described,
      String path,
      Optional<Instant> from,
      Optional<Instant> to,
      OriginMode origins,
      int partitions,
      Instant now) {}

  /** Why a series can have no origin. */
  public enum LeftOut {
    SHORTER_THAN_LOOK_BACK,
    /** None of its origins lies between from and to. */
    OUTSIDE_RANGE;

    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private final JavaRDD<Segment> segments;
  private final PreparedSource source;
  private final Map<String, LeftOut> leftOut;
  private final CollectionAccumulator<PartCounts> counts;

  private SegmentStream(
      JavaRDD<Segment> segments,
      PreparedSource source,
      Map<String, LeftOut> leftOut,
      CollectionAccumulator<PartCounts> counts) {
    this.segments = segments;
    this.source = source;
    this.leftOut = leftOut;
    this.counts = counts;
  }

  /** What a task counted in a part; a part lies whole in one task. */
  private record PartCounts(int part, TaskCounts counts) implements Serializable {}

  /**
   * Prepares raw data. Columns beyond those of the contract are of no concern here: the label of
   * the training data may be among them.
   *
   * @param contract what a window is
   * @param preparation as the manifest or bundle recorded it
   * @throws io.sluice.failure.InvalidInputException if the input cannot be used
   */
  public static SegmentStream read(
      SparkSession spark, WindowContract contract, JsonNode preparation, Request request) {
    Preparation prepared = Preparation.fromJson(preparation);
    Resample resample = prepared.resample();
    // a period is what a part plan cuts; here one block is as good as any
    long blockTicks =
        Math.multiplyExact(resample.axis().stepTicks(), (long) prepared.segmentSteps());
    var grid = new Grid(contract.time(), prepared.segmentSteps(), blockTicks);
    int futureSteps = contract.knownFuture().isEmpty() ? 0 : contract.horizon();
    BlockShape shape =
        PreparedSource.shape(
            resample,
            prepared.segmentSteps(),
            contract.lookBack(),
            futureSteps,
            contract.storesAges());
    PreparedSource source =
        PreparedSource.open(
            spark,
            request.described(),
            prepared.source().at(request.path()).ignoringExtraColumns(),
            new PreparedSource.Wanted(contract.channels(), null, contract.knownFuture(), null, 1.0),
            grid,
            request.now());
    var leftOut = new TreeMap<String, LeftOut>();
    TreeMap<String, SeriesRange> ranges =
        ranges(source, grid, contract, resample.maxGapSteps(), request, leftOut);
    PartPlan parts = PartPlan.of(grid, shape, source.survey().extents(), period -> true);
    var plan =
        new BlockPlan(
            grid,
            shape,
            source.aggregates(resample, Aggregate.LAST),
            resample.gapPolicy(),
            resample.maxGapSteps(),
            new WindowCutter.Rules(
                contract.lookBack(),
                0,
                contract.stride(),
                contract.channels().size(),
                Contracts.indices(contract, contract.inputs()),
                new int[0],
                Contracts.indices(contract, contract.knownFuture()),
                futureSteps,
                contract.storesAges(),
                contract.storesAges(),
                0,
                Labels.none(),
                request.origins() == OriginMode.LAST),
            source.layout() == Layout.WIDE);
    var counts = new CollectionAccumulator<PartCounts>();
    counts.register(
        spark.sparkContext(), scala.Option.apply("windows that were not scored"), false);
    JavaRDD<InternalRow> rows =
        SegmentShuffle.of(
            source.usable(),
            source.valueColumns(),
            grid,
            shape,
            parts,
            DatasetWriting.partitions(spark, request.partitions()));
    JavaRDD<Segment> segments =
        rows.mapPartitions(
            partition ->
                segments(
                    new BlockSegments(
                        partition,
                        plan,
                        ranges,
                        (part, own) -> counts.add(new PartCounts(part, own)))));
    return new SegmentStream(segments, source, leftOut, counts);
  }

  private static TreeMap<String, SeriesRange> ranges(
      PreparedSource source,
      Grid grid,
      WindowContract contract,
      int maxGapSteps,
      Request request,
      Map<String, LeftOut> leftOut) {
    var ranges = new TreeMap<String, SeriesRange>();
    source
        .seriesSteps(grid)
        .forEach(
            (series, steps) -> {
              long lowest = steps[0] + contract.lookBack() - 1;
              long highest = steps[1];
              if (lowest > highest) {
                leftOut.put(series, LeftOut.SHORTER_THAN_LOOK_BACK);
              }
              if (contract.time().type() == TimeAxis.Type.TIMESTAMP) {
                lowest =
                    Math.max(
                        lowest,
                        request.from().map(at -> stepFrom(grid, at)).orElse(Long.MIN_VALUE));
                highest =
                    Math.min(
                        highest,
                        request.to().map(at -> grid.step(micros(at))).orElse(Long.MAX_VALUE));
              }
              if (lowest > highest) {
                leftOut.putIfAbsent(series, LeftOut.OUTSIDE_RANGE);
              }
              if (request.origins() == OriginMode.LAST) {
                // the newest lies in one block, so that one task knows it
                lowest =
                    Math.max(
                        lowest,
                        Math.max(highest - maxGapSteps, grid.firstStep(grid.block(highest))));
              }
              ranges.put(
                  series,
                  new SeriesRange(
                      series,
                      steps[0],
                      steps[1],
                      new long[] {lowest, Long.MAX_VALUE, Long.MAX_VALUE},
                      new long[] {highest, Long.MIN_VALUE, Long.MIN_VALUE}));
            });
    return ranges;
  }

  private static long stepFrom(Grid grid, Instant at) {
    long tick = micros(at);
    long step = grid.step(tick);
    return grid.tick(step) == tick ? step : step + 1;
  }

  private static long micros(Instant at) {
    return Math.addExact(Math.multiplyExact(at.getEpochSecond(), 1_000_000L), at.getNano() / 1000);
  }

  private static Iterator<Segment> segments(BlockSegments blocks) {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(blocks, Spliterator.ORDERED), false)
        .map(BlockSegments.Placed::segment)
        .iterator();
  }

  /** Segments in order of block, then series, inside each partition; a segment is whole. */
  public JavaRDD<Segment> segments() {
    return segments;
  }

  /**
   * Writes the rejects table, and refuses input of which too much cannot be used.
   *
   * @param table where the rejects table is published, also where the input is refused
   * @param maxShare {@code reject.max-share}
   */
  public void keepRejects(StagedFolder table, double maxShare) {
    source.keepRejects(table, maxShare);
  }

  /** Raw rows that could not be used, by reason. */
  public Map<String, Long> rejected() {
    return source.survey().rejected();
  }

  /** Values of usable rows that count as missing, by "channel: reason". */
  public Map<String, Long> missingValues() {
    return source.survey().missingValues();
  }

  /** Raw rows read. */
  public long rows() {
    return source.survey().rows();
  }

  /** Names of the series in the input. */
  public Set<String> series() {
    return source.survey().seriesTicks().keySet();
  }

  /** Series without a possible origin, and why. */
  public Map<String, LeftOut> leftOut() {
    return leftOut;
  }

  /**
   * Mean ticks from one reading of a channel to the next, gaps longer than a segment left out; 0 if
   * no series has two readings.
   */
  public double meanSpacing() {
    int rowsPerReading = source.layout() == Layout.LONG ? source.channels().stored().size() : 1;
    double ticks = 0;
    double readings = 0;
    for (Survey.Extent extent : source.survey().extents()) {
      ticks += extent.lastTick() - extent.firstTick();
      readings += Math.max(0, extent.rows() / (double) rowsPerReading - 1);
    }
    return readings == 0 ? 0 : ticks / readings;
  }

  /**
   * Origins that were left out, by reason; complete once an action has read {@link #segments}.
   * "between-splits" counts those outside the wanted range.
   */
  public Map<String, Long> dropped() {
    var byPart = new TreeMap<Integer, TaskCounts>(); // a task that ran twice counts once
    counts.value().forEach(own -> byPart.put(own.part(), own.counts()));
    var all = new TaskCounts();
    byPart.values().forEach(all::add);
    return all.droppedWindows();
  }
}
