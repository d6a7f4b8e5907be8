package io.sluice.sequences.telemetry;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SourceFingerprint;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.audit.LeakageAudit;
import io.sluice.sequences.telemetry.audit.SeriesFacts;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.Labels;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import io.sluice.sequences.telemetry.scaling.ScalerFit;
import io.sluice.sequences.telemetry.source.Survey;
import io.sluice.sequences.telemetry.split.RowBounds;
import io.sluice.sequences.telemetry.split.SplitPlan;
import io.sluice.sequences.telemetry.store.BlockPlan;
import io.sluice.sequences.telemetry.store.PartPlan;
import io.sluice.sequences.telemetry.store.TaskCounts;
import io.sluice.sequences.telemetry.target.TargetTables;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns raw telemetry into a sequence dataset; see the package for the order of things.
 *
 * <p>Builds aside and publishes whole: readers see the old dataset or the new one. A run that fails
 * leaves the old one in place, with one exception: a dataset whose leakage audit failed is
 * published, marked as such, so that a person can look at it; training refuses it.
 */
public final class SequenceBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(SequenceBuilder.class);
  private static final Duration LOCK_STALE_AFTER = Duration.ofMinutes(10);

  private final SparkSession spark;
  private final SequenceSettings settings;
  private final Provenance provenance;
  private final Configuration hadoop;
  private final Grid grid;
  private final BlockShape shape;
  private final List<String> warnings = new ArrayList<>();
  private final long startNanos = System.nanoTime();

  private SequenceBuilder(SparkSession spark, SequenceSettings settings, Provenance provenance) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = spark.sessionState().newHadoopConf();
    this.grid =
        new Grid(
            settings.resample().axis(),
            settings.dataset().segmentSteps(),
            settings.dataset().periodTicks());
    this.shape =
        PreparedSource.shape(
            settings.resample(),
            settings.dataset().segmentSteps(),
            settings.window().lookBack(),
            settings.window().horizon(),
            storesAges());
  }

  /**
   * Builds and publishes the dataset.
   *
   * @throws InvalidInputException if the source cannot be used
   * @throws QualityGateException if the leakage audit fails
   */
  public static BuildReport build(
      SparkSession spark, SequenceSettings settings, Provenance provenance) {
    return new SequenceBuilder(spark, settings, provenance).run();
  }

  private BuildReport run() {
    PreparedSource source = open();
    try (StagedFolder staged =
        StagedFolder.open(
            settings.dataset().path(), provenance.runId(), LOCK_STALE_AFTER, hadoop)) {
      source.keepRejects(settings.reject().path(), settings.reject().maxShare());
      Rebuild rebuild =
          settings.dataset().rebuildFrom() == null
              ? Rebuild.ofEverything()
              : Rebuild.of(settings, source, grid, shape, hadoop);
      SplitPlan splits = splits(source, rebuild.recordedBounds());
      TreeMap<String, SeriesRange> ranges = ranges(source, splits);
      Labels labels = labels(ranges, source);
      WindowContract unscaled = contract(source, noScaling());
      rebuild.requireSame(unscaled);

      PartPlan parts = PartPlan.of(grid, shape, source.survey().extents(), rebuild::isTouched);
      var writing = new DatasetWriting(spark, staged, settings.dataset());
      DatasetWriting.Written written =
          writing.write(source, blockPlan(source, labels, unscaled), parts, ranges, unscaled);
      List<Part> allParts = rebuild.keepUntouched(staged, written.parts());
      TreeMap<String, Map<String, Long>> dropped = rebuild.withKept(written.counts());
      requireWindows(allParts, ranges, dropped);

      SequenceManifest manifest =
          manifest(source, unscaled, splits, allParts, dropped, Map.of(), null);
      save(staged.uri(), manifest);
      List<SeriesFacts> facts = SeriesFacts.of(spark, staged.uri(), manifest);
      Map<String, SplitSummary> summaries = SeriesFacts.summaries(facts, allParts);
      requireSplits(summaries, splits);
      LOG.info("fit    | scalers on {} train steps", summaries.get("train").steps());
      Scaling scaling =
          ScalerFit.fit(
              spark, SequenceDataset.open(staged.uri(), hadoop), settings.scaling(), warnings);
      WindowContract contract = contract(source, scaling);
      manifest = manifest(source, contract, splits, allParts, dropped, summaries, null);
      SequenceManifest.Audit audit = LeakageAudit.of(spark, staged.uri(), manifest, facts);
      if (settings.dataset().layout() == DatasetLayout.WINDOWS) {
        save(staged.uri(), manifest);
        allParts = WindowsLayout.rewrite(spark, staged.uri(), manifest, settings.dataset());
      }
      manifest = manifest(source, contract, splits, allParts, dropped, summaries, audit);
      save(staged.uri(), manifest);
      staged.publish();
      BuildReport report = report(source, manifest, parts, written);
      requireAudit(audit);
      return report;
    }
  }

  private PreparedSource open() {
    var target = settings.target();
    PreparedSource source =
        PreparedSource.open(
            spark,
            settings.source().described(),
            settings.source(),
            new PreparedSource.Wanted(
                settings.features().channels(),
                target.type() == TargetType.FORECAST ? target.channels() : null,
                settings.features().knownFuture(),
                target.label(),
                settings.reject().maxShare()),
            grid,
            provenance.startedAt());
    Survey survey = source.survey();
    LOG.info(
        "survey | {} rows, {} rejected, {} series, {} channels",
        survey.rows(),
        survey.rejectedRows(),
        survey.seriesTicks().size(),
        source.channels().stored().size());
    if (survey.ignoredRows() > 0) {
      LOG.info("survey | {} rows of tags that were not asked for", survey.ignoredRows());
    }
    if (survey.twiceOccurring() > 0) {
      warnings.add(
          "%d rows have a local time that occurs twice (clocks went back); the earlier one was taken. Write time stamps with an offset."
              .formatted(survey.twiceOccurring()));
    }
    return source;
  }

  private SplitPlan splits(PreparedSource source, JsonNode recorded) {
    boolean hasTestSource = settings.source().testPath() != null;
    Predicate<String> isTest =
        series -> hasTestSource && series.startsWith(PreparedSource.TEST_PREFIX);
    TreeMap<String, long[]> steps = source.seriesSteps(grid);
    if (settings.split().by() == SplitBy.SERIES) {
      return SplitPlan.bySeries(
          settings.split(), settings.window(), steps.keySet(), recorded, isTest);
    }
    if (settings.split().unit() == SplitUnit.ROWS) {
      return SplitPlan.byRows(
          settings.split(),
          settings.window(),
          RowBounds.of(
              source.described(), source.usable().select("series", "tick"), grid, settings.split()),
          isTest);
    }
    var dated = new TreeMap<>(steps);
    dated.keySet().removeIf(isTest);
    return SplitPlan.byTime(
        settings.split(),
        settings.window(),
        grid,
        dated.values().stream().mapToLong(s -> s[0]).min().orElse(0),
        dated.values().stream().mapToLong(s -> s[1]).max().orElse(0),
        recorded,
        isTest);
  }

  private TreeMap<String, SeriesRange> ranges(PreparedSource source, SplitPlan splits) {
    var ranges = new TreeMap<String, SeriesRange>();
    int needed = settings.window().lookBack() + settings.window().horizon();
    long tooShort = 0;
    String longest = null;
    long most = 0;
    for (var entry : source.seriesSteps(grid).entrySet()) {
      long first = entry.getValue()[0];
      long last = entry.getValue()[1];
      ranges.put(entry.getKey(), splits.range(entry.getKey(), first, last));
      long length = last - first + 1;
      tooShort += length < needed ? 1 : 0;
      if (length > most) {
        most = length;
        longest = entry.getKey();
      }
    }
    if (tooShort == ranges.size()) {
      throw new InvalidInputException(
          "%s: no series is as long as one window. The longest, %s, has %d steps; a window needs look-back + horizon = %d. Shorten window.look-back or window.horizon, or choose a finer resample.interval."
              .formatted(source.described(), longest, most, needed));
    }
    if (tooShort > 0) {
      warnings.add(
          "%d of %d series are shorter than one window (%d steps) and are left out."
              .formatted(tooShort, ranges.size(), needed));
    }
    return ranges;
  }

  private Labels labels(TreeMap<String, SeriesRange> ranges, PreparedSource source) {
    return TargetTables.labels(
        spark,
        settings,
        grid,
        source.survey().seriesTicks().keySet(),
        PreparedSource.TEST_PREFIX,
        provenance.startedAt(),
        warnings);
  }

  private BlockPlan blockPlan(PreparedSource source, Labels labels, WindowContract contract) {
    boolean any = settings.target().labelAt() == LabelAt.ANY;
    return new BlockPlan(
        grid,
        shape,
        source.aggregates(settings.resample(), any ? Aggregate.MAX : Aggregate.LAST),
        settings.resample().gapPolicy(),
        settings.resample().maxGapSteps(),
        new WindowCutter.Rules(
            contract.lookBack(),
            contract.horizon(),
            contract.stride(),
            contract.channels().size(),
            Contracts.indices(contract, contract.inputs()),
            Contracts.indices(contract, contract.target().channels()),
            Contracts.indices(contract, contract.knownFuture()),
            contract.knownFuture().isEmpty() ? 0 : contract.horizon(),
            storesAges(),
            storesAges(),
            source.classes().size(),
            labels,
            false),
        source.layout() == Layout.WIDE);
  }

  private boolean storesAges() {
    return settings.features().masks() || settings.features().timeSinceLast();
  }

  private Scaling noScaling() {
    return new Scaling("none", settings.scaling().window(), Map.of(), Map.of());
  }

  private WindowContract contract(PreparedSource source, Scaling scaling) {
    return Contracts.of(settings, grid, source.channels(), source.classes(), scaling);
  }

  private SequenceManifest manifest(
      PreparedSource source,
      WindowContract contract,
      SplitPlan splits,
      List<Part> parts,
      TreeMap<String, Map<String, Long>> dropped,
      Map<String, SplitSummary> summaries,
      SequenceManifest.Audit audit) {
    Survey survey = source.survey();
    return new SequenceManifest(
        SequenceManifest.FORMAT,
        settings.name(),
        io.sluice.config.ConfigReader.kebab(settings.dataset().layout()),
        contract,
        settings.preparation().toJson(),
        summaries,
        splits.toJson(grid),
        splits.embargoSteps(),
        parts,
        new SourceFingerprint(
            settings.source().path(),
            source.files(),
            survey.rows(),
            survey.extents().stream().map(Survey.Extent::firstTick).min(Long::compare).orElse(null),
            survey.extents().stream().map(Survey.Extent::lastTick).max(Long::compare).orElse(null),
            survey.hash()),
        survey.rejected(),
        total(dropped),
        dropped,
        settings.hash(),
        provenance.codeVersion(),
        provenance.startedAt().toString(),
        audit);
  }

  private static Map<String, Long> total(TreeMap<String, Map<String, Long>> dropped) {
    var total = new TreeMap<String, Long>();
    dropped.values().forEach(byReason -> byReason.forEach((k, v) -> total.merge(k, v, Long::sum)));
    return total;
  }

  private void save(String folder, SequenceManifest manifest) {
    Lake.of(hadoop)
        .writeTextAtomically(
            folder + "/" + SequenceManifest.FILE_NAME, ManifestJson.write(manifest));
  }

  private void requireWindows(
      List<Part> parts,
      TreeMap<String, SeriesRange> ranges,
      TreeMap<String, Map<String, Long>> dropped) {
    if (parts.isEmpty()) {
      throw new InvalidInputException(
          "source.path %s gives no window: of %d series none is in use. Windows that were not made, by reason: %s. See resample.gap-policy and resample.max-gap-steps for missing values, and split for what lies between splits."
              .formatted(settings.source().path(), ranges.size(), total(dropped)));
    }
  }

  private void requireSplits(Map<String, SplitSummary> summaries, SplitPlan splits) {
    var split = settings.split();
    boolean hasTestSource = settings.source().testPath() != null;
    requireSplit(summaries, "train", true);
    requireSplit(
        summaries,
        "validation",
        splits.isWanted(split.validation(), split.train(), split.validationSeries()));
    requireSplit(
        summaries,
        "test",
        hasTestSource
            || (split.test() != null
                && splits.isWanted(split.test(), split.validation(), split.testSeries())));
  }

  private void requireSplit(Map<String, SplitSummary> summaries, String split, boolean isWanted) {
    if (summaries.get(split).windows() > 0 || !isWanted) {
      return;
    }
    int lookBack = settings.window().lookBack();
    int horizon = settings.window().horizon();
    throw new InvalidInputException(
        "The %s split has no window. A window needs look-back %d + horizon %d = %d steps, and an embargo of %d steps is left out before it (split.embargo). Enlarge split.%s, shorten window.look-back, or lower split.embargo."
            .formatted(
                split,
                lookBack,
                horizon,
                lookBack + horizon,
                settings.split().by() == SplitBy.SERIES ? 0 : settings.split().embargoSteps(),
                split));
  }

  private void requireAudit(SequenceManifest.Audit audit) {
    if (!audit.passed()) {
      List<String> failed =
          audit.checks().stream()
              .filter(c -> !c.passed())
              .map(c -> c.name() + ": " + c.finding())
              .toList();
      throw new QualityGateException(
          "The leakage audit of %s failed: %s. Training refuses this dataset."
              .formatted(settings.dataset().path(), String.join("; ", failed)));
    }
  }

  private BuildReport report(
      PreparedSource source,
      SequenceManifest manifest,
      PartPlan parts,
      DatasetWriting.Written written) {
    var duplicates = new TaskCounts();
    written.counts().values().forEach(duplicates::add);
    long conflicting = duplicates.duplicates().getOrDefault("conflicting", 0L);
    if (conflicting > 0) {
      warnings.add(
          "%d readings contradict one of the same series, time and channel; the larger value was taken. Name source.columns.arrival to let the later one win."
              .formatted(conflicting));
    }
    source
        .survey()
        .missingValues()
        .forEach((what, n) -> warnings.add("%s: %d values set to missing".formatted(what, n)));
    warnings.forEach(w -> LOG.warn("{}", w));
    manifest
        .splits()
        .forEach(
            (split, s) ->
                LOG.info(
                    "{} | {} series, {} segments, {} steps, {} windows",
                    split,
                    s.series(),
                    s.segments(),
                    s.steps(),
                    s.windows()));
    return new BuildReport(
        settings.dataset().path(),
        manifest.layout(),
        source.channels().stored(),
        source.survey().seriesTicks().size(),
        source.survey().rows(),
        source.survey().rejected(),
        source.survey().rejectedShare(),
        settings.reject().path(),
        source.survey().missingValues(),
        duplicates.duplicates(),
        manifest.splits(),
        manifest.droppedWindows(),
        parts.periodNames(),
        manifest.parts().size(),
        List.copyOf(warnings),
        manifest.audit(),
        (System.nanoTime() - startNanos) / 1e9);
  }
}
