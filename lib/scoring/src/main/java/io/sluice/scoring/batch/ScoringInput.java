package io.sluice.scoring.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.ConfigReader;
import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.scoring.batch.Staging.Staged;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.telemetry.SegmentStream;
import io.sluice.sequences.telemetry.grid.DropReason;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * The raw data of a run, held to what the bundle asks of it: refused where it does not fit, and
 * accounted for where something of it was not scored.
 */
final class ScoringInput {
  private static final int NAMED = 5;

  /** Readings that lie further apart than this many steps are those of a coarser interval. */
  private static final double COARSE_STEPS = 1.5;

  private final ScoreSettings settings;
  private final ModelBundle bundle;
  private final WindowContract contract;
  private final SegmentStream stream;

  private ScoringInput(ScoreSettings settings, ModelBundle bundle, SegmentStream stream) {
    this.settings = settings;
    this.bundle = bundle;
    this.contract = bundle.contract();
    this.stream = stream;
  }

  /** Refuses settings and columns that do not fit the bundle, before a row is read. */
  static void requireFit(SparkSession spark, ScoreSettings settings, ModelBundle bundle) {
    requireFittingSettings(settings, bundle);
    ScoringContractCheck.require(
        spark, settings.input(), bundle.uri(), bundle.contract(), preparation(settings, bundle));
  }

  /**
   * Counts the input, writes its rejects table and prepares its segments.
   *
   * @param provenance of the run: "too far in the future" counts from its start
   * @throws InvalidInputException if more of it than {@code reject.max-share} cannot be used
   */
  static ScoringInput open(
      SparkSession spark,
      ScoreSettings settings,
      ModelBundle bundle,
      Provenance provenance,
      Configuration hadoop) {
    RejectsTable.requireReplaceable("score.rejects-path", settings.rejectsPath(), hadoop);
    SegmentStream stream =
        SegmentStream.read(
            spark,
            bundle.contract(),
            preparation(settings, bundle),
            new SegmentStream.Request(
                "score.input " + settings.input(),
                settings.input(),
                settings.from(),
                settings.to(),
                settings.origins(),
                settings.partitions(),
                provenance.startedAt()));
    try (StagedFolder rejects =
        StagedFolder.open(
            settings.rejectsPath(), provenance.runId(), settings.lockTimeout(), hadoop)) {
      stream.keepRejects(rejects, settings.maxRejectedShare());
    }
    return new ScoringInput(settings, bundle, stream);
  }

  SegmentStream stream() {
    return stream;
  }

  /**
   * Refuses input of which nothing could be scored.
   *
   * @param staged what was
   */
  void requireWindows(Staged staged) {
    if (staged.windows() == 0) {
      throw new InvalidInputException(
          "No prediction made from score.input %s: no origin from %s has a complete look-back of %d steps of %s. Read %d rows of %d series, %s; rejected rows: %s; windows left out: %s. Give at least so many consecutive steps of each series, at the interval the model was trained on."
              .formatted(
                  settings.input(),
                  range(),
                  contract.lookBack(),
                  ticks(contract.time().stepTicks()),
                  stream.rows(),
                  stream.series().size(),
                  spacing(),
                  stream.rejected(),
                  windowsNotScored()));
    }
  }

  private String spacing() {
    double spacing = stream.meanSpacing();
    return spacing == 0
        ? "none with two readings close together"
        : "readings about %s apart".formatted(ticks(Math.round(spacing)));
  }

  /** Windows that were not scored though they lie in the wanted range, by reason. */
  Map<String, Long> windowsNotScored() {
    var reasons = new TreeMap<>(stream.dropped());
    reasons.remove(DropReason.BETWEEN_SPLITS.label()); // outside the wanted range
    return reasons;
  }

  /** Series without a prediction, by reason. */
  Map<String, Long> seriesNotScored(Staged staged) {
    var reasons = new TreeMap<String, Long>();
    seriesByReason(staged).forEach((reason, names) -> reasons.put(reason, (long) names.size()));
    return reasons;
  }

  /** Series that are scaled as the average of those in training. */
  List<String> seriesWithoutScaler(Staged staged) {
    var own = contract.scaling().bySeries();
    return own.isEmpty()
        ? List.of()
        : staged.series().stream().filter(name -> !own.containsKey(name)).toList();
  }

  /** What a person should know of the input though it was scored. */
  List<String> warnings(Staged staged) {
    var warnings = new ArrayList<String>();
    double step = contract.time().stepTicks();
    if (stream.meanSpacing() > COARSE_STEPS * step) {
      warnings.add(
          "The readings are about %s apart, the model's step is %s: what lies between was filled or is missing. Give data at the interval the model was trained on."
              .formatted(ticks(Math.round(stream.meanSpacing())), ticks((long) step)));
    }
    seriesByReason(staged)
        .forEach(
            (reason, names) ->
                warnings.add(
                    "%d of %d series have no prediction, %s: %s."
                        .formatted(names.size(), stream.series().size(), reason, named(names))));
    List<String> unknown = seriesWithoutScaler(staged);
    if (!unknown.isEmpty()) {
      warnings.add(
          "%d of %d series were not in the training data and have no scaler of their own; the one over all series was taken: %s."
              .formatted(unknown.size(), staged.series().size(), named(unknown)));
    }
    stream
        .missingValues()
        .forEach((what, n) -> warnings.add("%s: %d values set to missing.".formatted(what, n)));
    return warnings;
  }

  private TreeMap<String, List<String>> seriesByReason(Staged staged) {
    var byReason = new TreeMap<String, List<String>>();
    for (String name : stream.series()) {
      if (!staged.series().contains(name)) {
        SegmentStream.LeftOut reason = stream.leftOut().get(name);
        byReason
            .computeIfAbsent(
                reason == null ? "no-complete-look-back" : reason.label(), r -> new ArrayList<>())
            .add(name);
      }
    }
    return byReason;
  }

  private static String named(List<String> names) {
    String first = String.join(", ", names.subList(0, Math.min(NAMED, names.size())));
    return names.size() > NAMED ? first + ", …" : first;
  }

  /** A number of ticks as people write it: a duration, or the number. */
  private String ticks(long ticks) {
    return switch (contract.time().type()) {
      case TIMESTAMP -> Duration.of(ticks, ChronoUnit.MICROS).toString();
      case ORDINAL -> Long.toString(ticks);
    };
  }

  private String range() {
    return "%s to %s"
        .formatted(
            settings.from().map(Object::toString).orElse("the first step"),
            settings.to().map(Object::toString).orElse("the last step"));
  }

  private static void requireFittingSettings(ScoreSettings settings, ModelBundle bundle) {
    var problems = new ArrayList<String>();
    if (bundle.contract().time().type() == TimeAxis.Type.ORDINAL) {
      settings.from().ifPresent(i -> problems.add("score.from: " + ordinal(i.toString())));
      settings.to().ifPresent(i -> problems.add("score.to: " + ordinal(i.toString())));
    }
    settings
        .date()
        .ifPresent(
            date ->
                problems.add(
                    "score.date: must be null for a model of windows, whose rows go to the dates of their origins, but is "
                        + date));
    if (settings.explain() != ScoreSettings.Explain.NONE) {
      problems.add(
          "score.explain: must be none for a model of windows, whose rows have no tokens, but is "
              + ConfigReader.kebab(settings.explain()));
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigException("for " + bundle.uri(), problems);
    }
  }

  private static String ordinal(String instant) {
    return "must be null for a model whose time is a cycle number, but is %s".formatted(instant);
  }

  /**
   * How the bundle says raw data is prepared, with the reader options of this run where the bundle
   * has none: secrets are never recorded.
   */
  private static JsonNode preparation(ScoreSettings settings, ModelBundle bundle) {
    ObjectNode preparation = bundle.preparation().deepCopy();
    ObjectNode options = preparation.withObject("/source/options");
    settings
        .source()
        .options()
        .forEach(
            (key, value) -> {
              if (!options.has(key)) {
                options.put(key, value);
              }
            });
    return preparation;
  }
}
