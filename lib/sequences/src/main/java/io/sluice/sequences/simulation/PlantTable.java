package io.sluice.sequences.simulation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The tables a simulation writes, as {@code data-schemas/*.v1.json} describe them. Times are
 * milliseconds since the epoch here and become time stamps when they are written.
 */
enum PlantTable {
  /** A row per reading. */
  HISTORIAN {
    @Override
    StructType schema() {
      return new StructType(
          new StructField[] {
            text("unit"),
            text("tag"),
            millis("time"),
            number("value", false),
            text("quality"),
            millis("arrival")
          });
    }

    @Override
    void rows(Scan scan, ArrivalOrder.Arrivals out) {
      if (scan.lost()) {
        return;
      }
      for (Channel channel : Channel.values()) {
        int c = channel.ordinal();
        if (scan.states()[c] != Scan.State.MISSING) {
          out.add(scan.arrivalMillis(), row(scan, channel, scan.arrivalMillis()));
          if (scan.tagsTwice()[c]) {
            out.add(scan.copyMillis(), row(scan, channel, scan.copyMillis()));
          }
        }
      }
    }

    private Row row(Scan scan, Channel channel, long arrivalMillis) {
      int c = channel.ordinal();
      return RowFactory.create(
          scan.unit(),
          channel.label(),
          scan.timeMillis(),
          scan.values()[c],
          scan.states()[c] == Scan.State.GOOD ? "good" : "bad",
          arrivalMillis);
    }
  },

  /** A row per scan, a column per channel; null where the historian has no good reading. */
  WIDE {
    @Override
    StructType schema() {
      var fields = new ArrayList<StructField>();
      fields.add(text("unit"));
      fields.add(millis("time"));
      Channel.labels().forEach(channel -> fields.add(number(channel, true)));
      fields.add(millis("arrival"));
      return new StructType(fields.toArray(StructField[]::new));
    }

    @Override
    void rows(Scan scan, ArrivalOrder.Arrivals out) {
      if (scan.lost()) {
        return;
      }
      out.add(scan.arrivalMillis(), row(scan, scan.arrivalMillis()));
      if (scan.rowTwice()) {
        out.add(scan.copyMillis(), row(scan, scan.copyMillis()));
      }
    }

    private Row row(Scan scan, long arrivalMillis) {
      var values = new Object[Channel.COUNT + 3];
      values[0] = scan.unit();
      values[1] = scan.timeMillis();
      for (int c = 0; c < Channel.COUNT; c++) {
        values[2 + c] = scan.states()[c] == Scan.State.GOOD ? scan.values()[c] : null;
      }
      values[2 + Channel.COUNT] = arrivalMillis;
      return RowFactory.create(values);
    }
  },

  /** A row per failure, repair and planned stop. */
  EVENTS {
    @Override
    StructType schema() {
      return new StructType(new StructField[] {text("unit"), millis("time"), text("type")});
    }

    @Override
    void rows(Scan scan, ArrivalOrder.Arrivals out) {
      for (PlantEvent event : scan.events()) {
        out.add(
            event.timeMillis(),
            RowFactory.create(scan.unit(), event.timeMillis(), event.type().label()));
      }
    }
  };

  /** Columns as they are generated: times are LONG milliseconds. */
  abstract StructType schema();

  /** Hands over the rows that one scan gives; events whether or not the link was up. */
  abstract void rows(Scan scan, ArrivalOrder.Arrivals out);

  /** Folder below the output. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Columns that are times. */
  List<String> times() {
    return this == EVENTS ? List.of("time") : List.of("time", "arrival");
  }

  /** All rows of some units, one unit after the other. */
  Iterator<Row> rows(SimulationSettings settings, Iterator<Long> units) {
    return new UnitRows(settings, units);
  }

  private final class UnitRows implements Iterator<Row> {
    private final SimulationSettings settings;
    private final Iterator<Long> units;
    private Iterator<Row> current = Collections.emptyIterator();

    UnitRows(SimulationSettings settings, Iterator<Long> units) {
      this.settings = settings;
      this.units = units;
    }

    @Override
    public boolean hasNext() {
      while (!current.hasNext() && units.hasNext()) {
        current =
            new ArrivalOrder(
                new UnitSimulation(settings, units.next()),
                settings.interval().toMillis(),
                PlantTable.this::rows);
      }
      return current.hasNext();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return current.next();
    }
  }

  private static StructField text(String name) {
    return DataTypes.createStructField(name, DataTypes.StringType, false);
  }

  private static StructField millis(String name) {
    return DataTypes.createStructField(name, DataTypes.LongType, false);
  }

  private static StructField number(String name, boolean nullable) {
    return DataTypes.createStructField(name, DataTypes.DoubleType, nullable);
  }
}
