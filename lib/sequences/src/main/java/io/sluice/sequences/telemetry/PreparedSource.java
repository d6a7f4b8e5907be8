package io.sluice.sequences.telemetry;

import static org.apache.spark.sql.functions.col;

import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.GapPolicy;
import io.sluice.sequences.telemetry.SequenceSettings.Resample;
import io.sluice.sequences.telemetry.SourceSettings.ExtraColumns;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import io.sluice.sequences.telemetry.source.ChannelDiscovery;
import io.sluice.sequences.telemetry.source.Channels;
import io.sluice.sequences.telemetry.source.Readings;
import io.sluice.sequences.telemetry.source.Survey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A source, and its test source if there is one, opened, judged and counted: what building and
 * scoring share.
 *
 * @param channels which channels are kept
 * @param classes of the label; empty where there is none
 * @param judged every row with its judgement; see {@link Readings}
 * @param survey what the first pass found
 * @param files behind the source
 */
record PreparedSource(
    String described,
    Layout layout,
    Channels channels,
    List<String> classes,
    Dataset<Row> judged,
    Survey survey,
    long files) {

  /** What the names of series of a separate test source begin with. */
  static final String TEST_PREFIX = "test/";

  /** What to look for in a source. */
  record Wanted(
      List<String> inputs,
      List<String> targets,
      List<String> knownFuture,
      String label,
      double maxBadShare) {}

  /**
   * Opens, judges and counts a source.
   *
   * @param described the setting and its value, for messages
   * @param now what "too far in the future" counts from
   */
  static PreparedSource open(
      SparkSession spark,
      String described,
      SourceSettings source,
      Wanted wanted,
      Grid grid,
      Instant now) {
    RawTable mainTable = RawTable.open(spark, source.table(described));
    Readings main = Readings.of(mainTable, source, "", now);
    Channels channels = channels(main, wanted);
    var readings = new ArrayList<>(List.of(main));
    if (source.testPath() != null) {
      SourceSettings test = source.at(source.testPath());
      RawTable table = RawTable.open(spark, test.table("source.test-path " + test.path()));
      readings.add(Readings.of(table, test, TEST_PREFIX, now));
    }
    for (Readings each : readings) {
      requireChannels(each, channels, wanted);
    }
    List<String> classes =
        wanted.label() == null ? List.of() : ChannelDiscovery.of(main).classes(wanted.label());
    Dataset<Row> judged = null;
    Survey survey = null;
    long files = 0;
    for (Readings each : readings) {
      Dataset<Row> own = each.judged(channels, classes);
      Survey ownSurvey = Survey.of(each, own, channels, grid);
      if (ownSurvey.rows() == 0) {
        throw new InvalidInputException(
            "%s has no rows%s. Give a path with data."
                .formatted(
                    each.table().described(),
                    ownSurvey.ignoredRows() == 0
                        ? ""
                        : " of the tags in features.channels (%d of other tags)"
                            .formatted(ownSurvey.ignoredRows())));
      }
      judged = judged == null ? own : judged.unionByName(own);
      survey = survey == null ? ownSurvey : survey.and(ownSurvey);
      files += each.table().files().length;
    }
    return new PreparedSource(
        main.table().described(), source.layout(), channels, classes, judged, survey, files);
  }

  private static Channels channels(Readings readings, Wanted wanted) {
    if (wanted.label() != null && readings.source().layout() == Layout.WIDE) {
      readings.table().require(wanted.label(), "target.label");
    }
    Set<String> named = new HashSet<>(wanted.inputs());
    if (wanted.targets() != null) {
      named.addAll(wanted.targets());
    }
    named.addAll(wanted.knownFuture());
    // with every input named there is nothing to look for, and tags need no pass over the data
    boolean longAndNamed = readings.source().layout() == Layout.LONG && !wanted.inputs().isEmpty();
    List<String> available =
        longAndNamed
            ? List.copyOf(named)
            : ChannelDiscovery.of(readings)
                .channels(
                    wanted.label(),
                    wanted.inputs().isEmpty() ? Set.of() : named,
                    wanted.maxBadShare());
    return Channels.of(
        available,
        wanted.inputs(),
        wanted.targets(),
        wanted.knownFuture(),
        wanted.label(),
        readings.table().described());
  }

  private static void requireChannels(Readings readings, Channels channels, Wanted wanted) {
    if (readings.source().layout() == Layout.LONG) {
      return;
    }
    for (String channel : channels.stored()) {
      readings.table().require(channel, "features.channels");
    }
    if (wanted.label() != null) {
      readings.table().require(wanted.label(), "target.label");
    }
    List<String> extra = ChannelDiscovery.of(readings).extraColumns(channels);
    if (readings.source().extraColumns() == ExtraColumns.FAIL && !extra.isEmpty()) {
      String first = extra.get(0);
      throw new InvalidInputException(
          "%s has columns that no setting asks for: %s%s. Name them in features.channels, or set source.extra-columns = ignore."
              .formatted(
                  readings.table().described(),
                  extra,
                  NearMiss.of(first, channels.stored())
                      .map(near -> " (%s is like %s)".formatted(first, near))
                      .orElse("")));
    }
  }

  /** Rows that can be used. */
  Dataset<Row> usable() {
    Dataset<Row> usable = judged.where("reason is null");
    return layout == Layout.LONG ? usable.where("channel >= 0") : usable;
  }

  /** Names of the value columns of {@link #usable}. */
  List<String> valueColumns() {
    if (layout == Layout.LONG) {
      return List.of("channel", "value");
    }
    var names = new ArrayList<String>();
    for (int track = 0; track < channels.tracks(); track++) {
      names.add("v" + track);
    }
    return names;
  }

  /**
   * Writes the rejects table, and refuses a source of which too much cannot be used: rows, or
   * values of a channel.
   *
   * @param table where the rejects table is published, also where the source is refused
   * @param maxShare {@code reject.max-share}
   */
  void keepRejects(StagedFolder table, double maxShare) {
    RejectsTable.write(described, Readings.rejected(judged), survey.rejectedRows(), table);
    double share = survey.rejectedShare();
    if (survey.rejectedRows() == survey.rows() || share > maxShare) {
      List<String> top =
          survey.rejected().entrySet().stream()
              .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
              .limit(5)
              .map(e -> "%s %d".formatted(e.getKey(), e.getValue()))
              .toList();
      throw new InvalidInputException(
          "%s: %d of %d rows cannot be used (%.2f %%), %s. Reasons: %s. The rows are in %s; correct the data or the settings of source."
              .formatted(
                  described,
                  survey.rejectedRows(),
                  survey.rows(),
                  100 * share,
                  share > maxShare
                      ? "more than reject.max-share = " + maxShare
                      : "and none is left",
                  String.join(", ", top),
                  table.targetUri()));
    }
    refuseTextChannels(maxShare);
  }

  /** Refuses channels that hardly hold numbers: those are another kind of column. */
  private void refuseTextChannels(double maxShare) {
    long usable = survey.rows() - survey.rejectedRows();
    for (String channel : channels.stored()) {
      long bad = survey.missingValues().getOrDefault(channel + ": not a number", 0L);
      if (bad > maxShare * usable) {
        String column = "u" + channels.stored().indexOf(channel);
        throw new InvalidInputException(
            "%s: column %s has %d values of %d that are not numbers, more than reject.max-share = %s (first of them in %s). Leave it out of features.channels, or correct the data."
                .formatted(described, channel, bad, usable, maxShare, firstFileWith(column)));
      }
    }
  }

  private String firstFileWith(String flag) {
    return ReadFailures.guard(
        described,
        () ->
            ReadFailures.shown(
                judged.where(col(flag)).select("file").orderBy("file").head().getString(0)));
  }

  /** First and last step of each series. */
  TreeMap<String, long[]> seriesSteps(Grid grid) {
    var steps = new TreeMap<String, long[]>();
    survey
        .seriesTicks()
        .forEach((name, t) -> steps.put(name, new long[] {grid.step(t[0]), grid.step(t[1])}));
    return steps;
  }

  /** The aggregate of each track; refuses exceptions for channels that are not there. */
  Aggregate[] aggregates(Resample resample, Aggregate ofLabel) {
    for (String name : resample.aggregateByChannel().keySet()) {
      if (!channels.stored().contains(name)) {
        throw new InvalidInputException(
            "resample.aggregate-by-channel names \"%s\", which is no channel of this dataset; %s"
                .formatted(name, NearMiss.suggestion(name, channels.stored())));
      }
    }
    var aggregates = new Aggregate[channels.tracks()];
    for (int track = 0; track < aggregates.length; track++) {
      aggregates[track] =
          track < channels.stored().size()
              ? aggregate(resample.aggregateByChannel(), channels.stored().get(track), resample)
              : ofLabel;
    }
    return aggregates;
  }

  private static Aggregate aggregate(
      Map<String, Aggregate> byChannel, String channel, Resample resample) {
    return byChannel.getOrDefault(channel, resample.aggregate());
  }

  /** How far a block reaches, given how gaps are filled. */
  static BlockShape shape(
      Resample resample, int segmentSteps, int lookBack, int ahead, boolean storesAges) {
    int reach =
        switch (resample.gapPolicy()) {
          case FORWARD_FILL -> resample.maxGapSteps();
          case INTERPOLATE -> resample.maxGapSteps() + 1;
          case MASK, CUT -> storesAges ? resample.maxGapSteps() : 0;
        };
    return new BlockShape(segmentSteps, lookBack, ahead, reach);
  }

  /** True where nothing is filled. */
  static boolean keepsGaps(GapPolicy policy) {
    return policy == GapPolicy.MASK || policy == GapPolicy.CUT;
  }
}
