package io.sluice.sequences.simulation;

import java.util.Comparator;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.function.BiConsumer;
import org.apache.spark.sql.Row;

/**
 * Rows in the order in which they reached the historian, which late rows and second copies make
 * differ from time order. Holds the rows that are still on their way and no others.
 */
final class ArrivalOrder implements Iterator<Row> {
  /** Where a table puts the rows of a scan. */
  interface Arrivals {
    void add(long arrivalMillis, Row row);
  }

  private record OnItsWay(long arrivalMillis, long number, Row row) {}

  private final Iterator<Scan> scans;
  private final BiConsumer<Scan, Arrivals> table;
  private final long intervalMillis;
  private final PriorityQueue<OnItsWay> waiting =
      new PriorityQueue<>(
          Comparator.comparingLong(OnItsWay::arrivalMillis).thenComparingLong(OnItsWay::number));
  private long number;
  private long arrivedMillis = Long.MIN_VALUE;

  /**
   * @param intervalMillis between scans; a reading's time is within half of it of its plan
   * @param table the rows of one scan
   */
  ArrivalOrder(Iterator<Scan> scans, long intervalMillis, BiConsumer<Scan, Arrivals> table) {
    this.scans = scans;
    this.table = table;
    this.intervalMillis = intervalMillis;
  }

  @Override
  public boolean hasNext() {
    while (scans.hasNext()
        && (waiting.isEmpty() || waiting.peek().arrivalMillis() >= arrivedMillis)) {
      Scan scan = scans.next();
      table.accept(scan, (arrival, row) -> waiting.add(new OnItsWay(arrival, number++, row)));
      // no scan to come can arrive before this
      arrivedMillis = scan.nominalMillis() + intervalMillis / 2;
    }
    return !waiting.isEmpty();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return waiting.poll().row();
  }
}
