package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What a source has to give, before any setting chose from it: its channels, the columns nobody
 * asks for, the classes of a label.
 */
public final class ChannelDiscovery {
  private static final int MAX_CLASSES = 1000;

  private final RawTable table;
  private final SourceSettings source;
  private final ValueJudge values;

  private ChannelDiscovery(RawTable table, SourceSettings source) {
    this.table = table;
    this.source = source;
    this.values = new ValueJudge(table, source);
  }

  /** Looks into the table behind readings. */
  public static ChannelDiscovery of(Readings readings) {
    return new ChannelDiscovery(readings.table(), readings.source());
  }

  /**
   * Channels the source could give: wide, its numeric columns; long, its tags.
   *
   * @param label left out of them; may be null
   * @param wanted when not empty, channels that were named: text columns among them are believed
   * @param maxBadShare a text column is numeric if at most this share of its values is not
   */
  public List<String> channels(String label, Set<String> wanted, double maxBadShare) {
    List<String> available = available(label, wanted, maxBadShare);
    if (available.isEmpty()) {
      table.requireRows();
    }
    return available;
  }

  private List<String> available(String label, Set<String> wanted, double maxBadShare) {
    if (source.layout() == Layout.LONG) {
      var tags = new TreeSet<String>();
      List<Row> rows =
          table.reading(
              () ->
                  table
                      .rows()
                      .select(table.column(source.columns().tag()).cast("string").as("tag"))
                      .where("tag is not null and trim(tag) <> ''")
                      .distinct()
                      .collectAsList());
      rows.forEach(row -> tags.add(row.getString(0).strip()));
      return tags.stream().filter(tag -> !tag.equals(label)).toList();
    }
    var taken = new HashSet<String>();
    var c = source.columns();
    taken.add(c.series());
    taken.add(c.time());
    taken.add(c.arrival());
    taken.add(label);
    var candidates = table.names().stream().filter(n -> !taken.contains(n)).toList();
    if (table.isText()) {
      return wanted.isEmpty() ? numericInText(candidates, maxBadShare) : candidates;
    }
    return candidates.stream()
        .filter(n -> ValueJudge.isNumeric(table.type(n)) || wanted.contains(n))
        .toList();
  }

  private List<String> numericInText(List<String> candidates, double maxBadShare) {
    var counts = new ArrayList<Column>();
    for (String name : candidates) {
      Column text = trim(table.column(name));
      Column number = expr("try_cast(trim(%s) as double)".formatted(table.column(name)));
      counts.add(count(when(text.notEqual(""), 1)));
      counts.add(count(when(text.notEqual("").and(number.isNull()), 1)));
    }
    if (counts.isEmpty()) {
      return List.of();
    }
    Row row =
        table.reading(
            () ->
                table
                    .rows()
                    .agg(counts.get(0), counts.subList(1, counts.size()).toArray(Column[]::new))
                    .head());
    var numeric = new ArrayList<String>();
    for (int i = 0; i < candidates.size(); i++) {
      long filled = row.getLong(2 * i);
      if (filled > 0 && row.getLong(2 * i + 1) <= filled * maxBadShare) {
        numeric.add(candidates.get(i));
      }
    }
    return numeric;
  }

  /** Columns (long: nothing, tags are free) that no setting asks for. */
  public List<String> extraColumns(Channels channels) {
    var known = new HashSet<>(channels.stored());
    var c = source.columns();
    known.add(c.series());
    known.add(c.time());
    known.add(c.tag());
    known.add(c.value());
    known.add(c.quality());
    known.add(c.arrival());
    known.add(channels.label());
    return table.names().stream().filter(n -> !known.contains(n)).toList();
  }

  /** Distinct label values, in order: by number where all are numbers, else as text. */
  public List<String> classes(String label) {
    Dataset<Row> labels;
    if (source.layout() == Layout.LONG) {
      labels =
          table
              .rows()
              .where(trim(table.column(source.columns().tag()).cast("string")).equalTo(label))
              .select(values.className(source.columns().value()).as("label"));
    } else {
      table.requirePlain(label, "target.label");
      labels = table.rows().select(values.className(label).as("label"));
    }
    List<Row> rows =
        table.reading(
            () ->
                labels
                    .where("label is not null")
                    .distinct()
                    .limit(MAX_CLASSES + 1)
                    .collectAsList());
    if (rows.isEmpty()) {
      throw new InvalidInputException(
          "%s: no row has a value of the label \"%s\" (target.label)."
              .formatted(table.described(), label));
    }
    if (rows.size() > MAX_CLASSES) {
      throw new InvalidInputException(
          "%s: the label \"%s\" (target.label) has more than %d distinct values, so it is no class. Name another column, or forecast it."
              .formatted(table.described(), label, MAX_CLASSES));
    }
    return SeriesOrder.sorted(rows.stream().map(r -> r.getString(0)).toList());
  }
}
