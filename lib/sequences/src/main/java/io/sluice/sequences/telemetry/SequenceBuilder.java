package io.sluice.sequences.telemetry;

import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.SequenceManifest.SplitSummary;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.Scaling;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.audit.LeakageAudit;
import io.sluice.sequences.telemetry.audit.SeriesFacts;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.grid.Labels;
import io.sluice.sequences.telemetry.grid.WindowCutter;
import io.sluice.sequences.telemetry.scaling.ScalerFit;
import io.sluice.sequences.telemetry.source.Survey;
import io.sluice.sequences.telemetry.store.BlockPlan;
import io.sluice.sequences.telemetry.store.PartPlan;
import io.sluice.sequences.telemetry.store.StoredSegment;
import io.sluice.sequences.telemetry.store.TaskCounts;
import io.sluice.sequences.telemetry.target.TargetTables;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
    RejectsTable.requireOwnFolders(settings.dataset().path(), settings.reject().path(), hadoop);
    // the lock comes first: whoever is second learns it before a pass over the source
    try (StagedFolder staged = stage(settings.dataset().path())) {
      PreparedSource source = open();
      try (StagedFolder rejects = stage(settings.reject().path())) {
        source.keepRejects(rejects, settings.reject().maxShare());
      }
      Rebuild rebuild =
          settings.dataset().rebuildFrom() == null
              ? Rebuild.ofEverything()
              : Rebuild.of(settings, source, grid, shape, hadoop);
      SeriesSplits splits =
          SeriesSplits.of(settings, source, grid, rebuild.recordedBounds(), warnings);
      Labels labels = labels(source);
      WindowContract unscaled = contract(source, noScaling());
      rebuild.requireSame(unscaled);

      PartPlan parts = PartPlan.of(grid, shape, source.survey().extents(), rebuild::isTouched);
      var writing = new DatasetWriting(spark, staged, settings.dataset());
      DatasetWriting.Written written =
          writing.write(
              source, blockPlan(source, labels, unscaled), parts, splits.ranges(), unscaled);
      List<Part> allParts = rebuild.keepUntouched(staged, written.parts());
      TreeMap<String, Map<String, Long>> dropped = rebuild.withKept(written.counts());
      splits.requireWindows(allParts, dropped);

      var draft = new ManifestDraft(settings, provenance, source, splits.plan(), grid, dropped);
      SequenceManifest manifest = draft.ofSegments(unscaled, allParts, Map.of(), null);
      save(staged.uri(), manifest);
      List<StoredSegment> segments = StoredSegment.of(spark, staged.uri(), manifest);
      Map<String, SplitSummary> summaries =
          SeriesFacts.summaries(SeriesFacts.of(segments), allParts);
      splits.requireSplits(summaries);
      LOG.info("fit    | scalers on {} train steps", summaries.get("train").steps());
      Scaling scaling =
          ScalerFit.fit(
              spark,
              SequenceDataset.open(staged.uri(), hadoop),
              segments,
              settings.scaling(),
              warnings);
      WindowContract contract = contract(source, scaling);
      manifest = draft.ofSegments(contract, allParts, summaries, null);
      SequenceManifest.Audit audit = LeakageAudit.of(spark, staged.uri(), manifest, segments);
      if (settings.dataset().layout() == DatasetLayout.WINDOWS) {
        save(staged.uri(), manifest);
        allParts = WindowsLayout.rewrite(spark, staged.uri(), manifest, settings.dataset());
      }
      manifest = draft.published(contract, allParts, summaries, audit);
      save(staged.uri(), manifest);
      staged.publish();
      BuildReport report = report(source, manifest, parts, written);
      requireAudit(audit);
      return report;
    }
  }

  private StagedFolder stage(String path) {
    return StagedFolder.open(path, provenance.runId(), StagedFolder.LOCK_STALE_AFTER, hadoop);
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

  private Labels labels(PreparedSource source) {
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

  private void save(String folder, SequenceManifest manifest) {
    Lake.of(hadoop)
        .writeTextAtomically(
            folder + "/" + SequenceManifest.FILE_NAME, ManifestJson.write(manifest));
  }

  private void requireAudit(SequenceManifest.Audit audit) {
    if (!audit.passed()) {
      throw new QualityGateException(
          "The leakage audit of %s failed: %s. Training refuses this dataset."
              .formatted(settings.dataset().path(), audit.failed()));
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
