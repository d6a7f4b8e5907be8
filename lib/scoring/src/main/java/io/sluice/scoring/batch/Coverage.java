package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.TimeAxis;

/** Which rows of its model a run replaces. */
sealed interface Coverage {

  /**
   * Every origin from {@code first} to {@code last}, ticks, both included, of every series: dates
   * in between that have no new row are emptied, and of the first and the last date the rows
   * outside stay.
   */
  record Range(TimeAxis.Type time, long first, long last) implements Coverage {
    public Range {
      if (first > last) {
        throw new IllegalArgumentException("first is %d, after last %d".formatted(first, last));
      }
    }

    @Override
    public TableFormat format() {
      return new TableFormat.OfWindows(time);
    }

    boolean coversPartition(String partition) {
      // equal width, so the order of names is the order of time; dates beyond year 9999 are
      // refused as far-future time stamps long before
      return partition.compareTo(PredictionsSchema.partition(time, first)) >= 0
          && partition.compareTo(PredictionsSchema.partition(time, last)) <= 0;
    }
  }

  /**
   * Exactly the series and origins that have new rows: what a run over each series' newest origin
   * replaces, whatever the other series' newest origins are.
   */
  record NewRowsOnly(TimeAxis.Type time) implements Coverage {
    @Override
    public TableFormat format() {
      return new TableFormat.OfWindows(time);
    }
  }

  /**
   * Every document of a date that came from one input: those of other inputs stay.
   *
   * @param uri of the input, as the rows have it
   */
  record Input(String uri) implements Coverage {
    @Override
    public TableFormat format() {
      return new TableFormat.OfDocuments();
    }
  }

  /** What the rows are. */
  TableFormat format();
}
