package io.sluice.sequences.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.Settings;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract.Calendar;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import io.sluice.sequences.dataset.WindowContract.WindowNormalization;
import io.sluice.sequences.telemetry.SequenceSettings.Aggregate;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetLayout;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetSettings;
import io.sluice.sequences.telemetry.SequenceSettings.Events;
import io.sluice.sequences.telemetry.SequenceSettings.Features;
import io.sluice.sequences.telemetry.SequenceSettings.GapPolicy;
import io.sluice.sequences.telemetry.SequenceSettings.LabelAt;
import io.sluice.sequences.telemetry.SequenceSettings.Reject;
import io.sluice.sequences.telemetry.SequenceSettings.Resample;
import io.sluice.sequences.telemetry.SequenceSettings.Scaling;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingMethod;
import io.sluice.sequences.telemetry.SequenceSettings.ScalingScope;
import io.sluice.sequences.telemetry.SequenceSettings.SplitBy;
import io.sluice.sequences.telemetry.SequenceSettings.SplitSettings;
import io.sluice.sequences.telemetry.SequenceSettings.SplitUnit;
import io.sluice.sequences.telemetry.SequenceSettings.Target;
import io.sluice.sequences.telemetry.SequenceSettings.Window;
import io.sluice.sequences.telemetry.SourceSettings.Columns;
import io.sluice.sequences.telemetry.SourceSettings.ExtraColumns;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import io.sluice.sequences.telemetry.SourceSettings.SeriesFrom;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SequenceSettingsTest {
  private static final String HISTORIAN =
      """
      name = plant
      source {
        path = raw, format = csv, options { sep = ";" }, layout = long, column-names = [a, b]
        columns { series = unit, time = at, tag = sensor, value = reading, quality = flag, arrival = arrived }
        good-quality = [ok, fine]
        time { format = epoch-millis, zone = Europe/Berlin, max-future = 2 hours, min = "2020-01-01T00:00:00Z" }
        extra-columns = fail, test-path = more
      }
      reject { max-share = 0.5, path = refused }
      resample {
        interval = 5 minutes, aggregate = median, aggregate-by-channel { x = sum }
        gap-policy = interpolate, max-gap-steps = 9
      }
      features {
        channels = [x, y], masks = true, time-since-last = true, calendar = [month, hour-of-day]
        calendar-zone = Asia/Tokyo, known-future = [z]
      }
      target {
        type = event, channels = [w], label-at = majority, events-path = happened, events-format = json
        events-options { multiLine = true }, event-series = machine, event-time = when
        event-type = kind, event-types = [failure], lead-time = 3 hours, recovery = 4 hours
        remaining-life-cap = 77
      }
      window { look-back = 11, horizon = 0, stride = 3 }
      split { unit = rows, train = 500, validation = 200, test = 100, embargo = 13, seed = 99 }
      scaling { method = robust, scope = series, window = mean }
      dataset {
        path = out, layout = windows, segment-steps = 44, period = 7 days, codec = gzip
        rebuild-from = "2024-03-01T00:00:00Z", rebuild-to = "2024-03-02T00:00:00Z", partitions = 5
      }
      """;

  private static SequenceSettings read(String hocon) {
    return Settings.parse(hocon).read(SequenceSettings::from);
  }

  @Test
  void explicitValuesReachTheRecord() {
    assertThat(read(HISTORIAN))
        .isEqualTo(
            new SequenceSettings(
                "plant",
                new SourceSettings(
                    "raw",
                    "csv",
                    Map.of("sep", ";"),
                    Layout.LONG,
                    List.of("a", "b"),
                    new Columns("unit", "at", "sensor", "reading", "flag", "arrived"),
                    SeriesFrom.COLUMN,
                    List.of("ok", "fine"),
                    new SourceSettings.Time(
                        TimeAxis.Type.TIMESTAMP,
                        "epoch-millis",
                        ZoneId.of("Europe/Berlin"),
                        Duration.ofHours(2),
                        Instant.parse("2020-01-01T00:00:00Z")),
                    ExtraColumns.FAIL,
                    "more"),
                new Reject(0.5, "refused"),
                new Resample(
                    new TimeAxis(TimeAxis.Type.TIMESTAMP, 300_000_000L),
                    Aggregate.MEDIAN,
                    Map.of("x", Aggregate.SUM),
                    GapPolicy.INTERPOLATE,
                    9),
                new Features(
                    List.of("x", "y"),
                    true,
                    true,
                    List.of(Calendar.MONTH, Calendar.HOUR_OF_DAY),
                    ZoneId.of("Asia/Tokyo"),
                    List.of("z")),
                new Target(
                    TargetType.EVENT,
                    List.of("w"),
                    null,
                    LabelAt.MAJORITY,
                    new Events(
                        "happened",
                        "json",
                        Map.of("multiLine", "true"),
                        "machine",
                        "when",
                        "kind",
                        List.of("failure")),
                    Duration.ofHours(3),
                    Duration.ofHours(4),
                    77,
                    null),
                new Window(11, 0, 3),
                new SplitSettings(
                    SplitBy.TIME,
                    SplitUnit.ROWS,
                    500,
                    200,
                    100.0,
                    13,
                    99,
                    List.of(),
                    List.of(),
                    List.of()),
                new Scaling(ScalingMethod.ROBUST, ScalingScope.SERIES, WindowNormalization.MEAN),
                new DatasetSettings(
                    "out",
                    DatasetLayout.WINDOWS,
                    44,
                    604_800_000_000L,
                    "gzip",
                    Instant.parse("2024-03-01T00:00:00Z"),
                    Instant.parse("2024-03-02T00:00:00Z"),
                    5)));
  }

  /** The values that exclude those above. */
  @Test
  void explicitValuesOfCyclesReachTheRecord() {
    SequenceSettings settings =
        read(
            """
            source { path = raw, series-from = file, time.type = ordinal }
            resample.ordinal-step = 4
            target { type = remaining-life, remaining-at-end-path = left }
            window.horizon = 0
            split {
              by = series, train-series = [a], validation-series = [b, c], test-series = [d]
            }
            dataset.ordinal-period = 1000
            """);

    assertThat(settings.source().columns().series()).isNull();
    assertThat(settings.source().seriesFrom()).isEqualTo(SeriesFrom.FILE);
    assertThat(settings.source().time().type()).isEqualTo(TimeAxis.Type.ORDINAL);
    assertThat(settings.resample().axis()).isEqualTo(new TimeAxis(TimeAxis.Type.ORDINAL, 4));
    assertThat(settings.target().type()).isEqualTo(TargetType.REMAINING_LIFE);
    assertThat(settings.target().remainingAtEndPath()).isEqualTo("left");
    assertThat(settings.target().events()).isNull();
    assertThat(settings.split().by()).isEqualTo(SplitBy.SERIES);
    assertThat(settings.split().trainSeries()).containsExactly("a");
    assertThat(settings.split().validationSeries()).containsExactly("b", "c");
    assertThat(settings.split().testSeries()).containsExactly("d");
    assertThat(settings.dataset().periodTicks()).isEqualTo(4000);
  }

  @Test
  void classAndInstantsReachTheRecord() {
    SequenceSettings settings =
        read(
            """
            source { path = raw, series-from = single }
            target { type = class, label = state }
            window { look-back = 7, horizon = 0 }
            split {
              unit = instant, train = "2024-01-01T00:00:00Z", validation = "2024-01-02T00:00:00+01:00"
              test = null, embargo = auto
            }
            """);

    assertThat(settings.target().label()).isEqualTo("state");
    assertThat(settings.split().train()).isEqualTo(1_704_067_200_000_000.0);
    assertThat(settings.split().validation()).isEqualTo(1_704_150_000_000_000.0);
    assertThat(settings.split().test()).isNull();
    assertThat(settings.split().embargoSteps()).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dataset.path = elsewhere",
        "dataset.partitions = 6",
        "dataset { rebuild-from = \"2024-05-01T00:00:00Z\", rebuild-to = \"2024-05-02T00:00:00Z\" }",
        "reject.path = elsewhere",
        "source.options { sep = \";\", password = hidden }"
      })
  void hashLeavesOutWhatDoesNotDecideTheRows(String hocon) {
    assertThat(read(HISTORIAN + hocon).hash()).isEqualTo(read(HISTORIAN).hash());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dataset.segment-steps = 45",
        "dataset.codec = zstd",
        "source.options.sep = \",\"",
        "source.good-quality = [ok]",
        "resample.aggregate-by-channel.y = min",
        "split.embargo = 14",
        "scaling.scope = global",
        "target.recovery = 5 hours"
      })
  void hashChangesWithWhatDecidesTheRows(String hocon) {
    assertThat(read(HISTORIAN + hocon).hash()).isNotEqualTo(read(HISTORIAN).hash());
  }
}
