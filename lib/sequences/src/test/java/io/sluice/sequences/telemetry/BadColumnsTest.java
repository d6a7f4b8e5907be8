package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.sequences.telemetry.Refusals.assertRefused;
import static io.sluice.sequences.telemetry.Refusals.parquet;
import static io.sluice.sequences.telemetry.Refusals.readings;
import static io.sluice.sequences.telemetry.Refusals.withColumn;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Columns that are missing, unasked for, misspelt or of the wrong type. */
class BadColumnsTest {
  @TempDir Path folder;

  @Test
  void aMissingTimeColumnIsNamedWithWhatIsThere() {
    String[] rows = Build.hourly(0, 20);
    rows[0] = "stamped_at,load";

    assertRefused(
        folder,
        Build.in(folder).csv(rows),
        BAD_INPUT,
        "source.path FOLDER/source.csv has no column \"time\" (source.columns.time); this place has [load, stamped_at]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "source.columns.time = tmie | column \"tmie\" (source.columns.time); did you mean time?",
        "features.channels = [laod] | channel \"laod\" (features.channels); did you mean load?",
        "target.channels = [Load] | channel \"Load\" (target.channels); did you mean load?",
        "features.known-future = [laod] | channel \"laod\" (features.known-future); did you mean load?",
        "source { series-from = column, columns.series = unti } | column \"unti\" (source.columns.series); did you mean unit?",
        "source.columns.arrival = arived | column \"arived\" (source.columns.arrival); did you mean arrived?",
        "target { type = class, label = fault }, window.horizon = 0 | column \"fault\" (target.label); did you mean faulty?"
      })
  void aMisspeltColumnIsNamedWithItsNearMiss(String setting, String problem) {
    String[] rows = withColumn(withColumn(Build.hourly(0, 20), "unit", "7"), "arrived", "5");

    assertRefused(
        folder,
        Build.in(folder).csv(withColumn(rows, "faulty", "0")).with(setting.replace("}, ", "}\n")),
        BAD_INPUT,
        "source.path FOLDER/source.csv has no " + problem);
  }

  @Test
  void anAggregateForAMisspeltChannelIsRefused() {
    assertRefused(
        folder,
        Build.in(folder)
            .csv(Build.hourly(0, 200))
            .with("resample.aggregate-by-channel { laod = max }"),
        BAD_INPUT,
        "resample.aggregate-by-channel names \"laod\", which is no channel of this dataset; did you mean load?");
  }

  @Test
  void extraColumnsAreRefusedWhereSettingsSaySoAndIgnoredElsewhere() {
    String[] rows = withColumn(Build.hourly(0, 200), "laod", "5");
    Build build = Build.in(folder).csv(rows).with("features.channels = [load]");

    assertRefused(
        folder,
        Build.in(folder).csv(rows).with("features.channels = [load]\nsource.extra-columns = fail"),
        BAD_INPUT,
        "source.path FOLDER/source.csv has columns that no setting asks for: [laod] (laod is like load). Name them in features.channels, or set source.extra-columns = ignore.");
    assertThat(build.run().channels()).containsExactly("load");
  }

  @Test
  void aColumnThatIsNamedTwiceIsRefused() {
    assertRefused(
        folder,
        Build.in(folder).csv(withColumn(Build.hourly(0, 20), "load", "5")),
        BAD_INPUT,
        "Cannot read source.path FOLDER/source.csv: column load occurs twice in the header of FOLDER/source.csv. Rename one of them.");
  }

  @Test
  void aTextColumnIsNoChannelUnlessItIsNamedAndThenItIsRefused() {
    String[] rows = withColumn(Build.hourly(0, 200), "note", "ok");

    assertRefused(
        folder,
        Build.in(folder).csv(rows).with("features.channels = [load, note]"),
        BAD_INPUT,
        "source.path FOLDER/source.csv: column note has 200 values of 200 that are not numbers, more than reject.max-share = 0.01 (first of them in FOLDER/source.csv). Leave it out of features.channels, or correct the data.");
    assertThat(Build.in(folder).csv(rows).run().channels()).containsExactly("load");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "id as time; id as load | | column time (source.columns.time) has type bigint, but must be a time stamp. For numbers set source.time.format to epoch-seconds, epoch-millis or epoch-micros, or source.time.type to ordinal.",
        "time; id as load | source.time.type = ordinal | column time (source.columns.time) has type timestamp, but must be a whole number with source.time.type = ordinal.",
        "time; id as load | source.time.format = epoch-seconds | column time (source.columns.time) has type timestamp, but must be a number with source.time.format = epoch-seconds.",
        "time; 'a' as load | features.channels = [load] | column load (features.channels) has type string, but a channel must be numeric. Leave it out of features.channels or convert it.",
        "time; array(id) as load | features.channels = [load] | column load (features.channels) has type array<bigint>, but a channel must be numeric. Leave it out of features.channels or convert it.",
        "time; id as load; array(id) as unit | source { series-from = column, columns.series = unit } | column unit (source.columns.series) has type array<bigint>, but must be a plain value. Set source.columns.series to another column, or flatten this one in the source.",
        "time; id as load; array(id) as at | source.columns.arrival = at | column at (source.columns.arrival) has type array<bigint>, but must be a plain value. Set source.columns.arrival to another column, or flatten this one in the source.",
        "time; array('a') as tag; id as value | source.layout = long | column tag (source.columns.tag) has type array<string>, but must be a plain value. Set source.columns.tag to another column, or flatten this one in the source."
      })
  void aColumnOfTheWrongTypeIsRefused(String columns, String setting, String problem) {
    Path file = parquet(folder.resolve("raw.parquet"), readings(columns.split("; ")));

    assertRefused(
        folder,
        Build.in(folder)
            .source(file)
            .with("source.format = parquet")
            .with(setting == null ? "" : setting),
        BAD_INPUT,
        "source.path FOLDER/raw.parquet: " + problem);
  }

  @Test
  void aTableOfTextAloneHasNoChannel() {
    assertRefused(
        folder,
        Build.in(folder)
            .source(parquet(folder.resolve("raw.parquet"), readings("time", "'a' as note")))
            .with("source.format = parquet"),
        BAD_INPUT,
        "source.path FOLDER/raw.parquet has no numeric channel to learn from. Name them in features.channels.");
  }

  @Test
  void aChannelMayNotTakeTheDatasetsOwnNames() {
    assertRefused(
        folder,
        Build.in(folder).csv(withColumn(Build.hourly(0, 20), "segment", "5")),
        BAD_INPUT,
        "source.path FOLDER/source.csv has a channel called \"segment\", a name that the dataset needs for itself. Rename it in a view or with source.column-names.");
  }

  @Test
  void namesForFilesWithoutAHeaderMustFitTheColumns() {
    assertRefused(
        folder,
        Build.in(folder).csv(Build.hourly(0, 20)).with("source.column-names = [time, load, flow]"),
        BAD_INPUT,
        "source.path FOLDER/source.csv has 2 columns, but source.column-names has 3 names. Give one name a column, in order.");
  }
}
