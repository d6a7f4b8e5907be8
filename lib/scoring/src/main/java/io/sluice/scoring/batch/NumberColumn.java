package io.sluice.scoring.batch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.BytesUtils;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.PageWriter;
import org.apache.parquet.column.statistics.Statistics;

/**
 * A Parquet column of floats, or of lists of floats that all have one length, which are there in
 * every row of a page or in none.
 */
final class NumberColumn implements PageColumn {
  private final ColumnDescriptor column;
  private final int length;
  private ByteBuffer values = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);
  private int nulls;
  private Statistics<?> statistics;

  /**
   * @param length numbers a row; 1 where the column is no list
   */
  NumberColumn(ColumnDescriptor column, int length) {
    this.column = column;
    this.length = length;
    this.statistics = Statistics.createStats(column.getPrimitiveType());
  }

  /** The numbers of the next rows; null if they have none. */
  void add(float[] numbers, int rows) {
    if (numbers == null) {
      nulls += rows;
      return;
    }
    if (numbers.length != rows * length) {
      throw new IllegalArgumentException(
          "%s has %d numbers for %d rows, expected %d a row"
              .formatted(String.join(".", column.getPath()), numbers.length, rows, length));
    }
    reserve(Float.BYTES * numbers.length);
    for (float number : numbers) {
      values.putFloat(number);
      statistics.updateStats(number);
    }
  }

  private void reserve(int bytes) {
    if (values.remaining() < bytes) {
      int capacity = Math.max(2 * values.capacity(), values.position() + bytes);
      values = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(values.flip());
    }
  }

  @Override
  public ColumnDescriptor descriptor() {
    return column;
  }

  @Override
  public void endPage(PageWriter pages, int rows) throws IOException {
    boolean isList = column.getMaxRepetitionLevel() > 0;
    int bits = BytesUtils.getWidthFromMaxInt(column.getMaxDefinitionLevel());
    int entries = nulls > 0 ? rows : rows * length;
    if (nulls > 0 && (nulls < rows || values.position() > 0)) {
      throw new IllegalStateException(
          "%s is null in %d rows of %d, expected in none or all"
              .formatted(String.join(".", column.getPath()), nulls, rows));
    }
    BytesInput repetition = isList ? Levels.lists(rows, entries / rows) : BytesInput.empty();
    BytesInput definition =
        Levels.same(nulls > 0 ? 0 : column.getMaxDefinitionLevel(), entries, bits);
    statistics.incrementNumNulls(nulls);
    pages.writePage(
        BytesInput.concat(
            repetition, definition, BytesInput.from(values.array(), 0, values.position())),
        entries,
        rows,
        statistics,
        isList ? Encoding.RLE : Encoding.BIT_PACKED,
        Encoding.RLE,
        Encoding.PLAIN);
    values.clear();
    nulls = 0;
    statistics = Statistics.createStats(column.getPrimitiveType());
  }
}
