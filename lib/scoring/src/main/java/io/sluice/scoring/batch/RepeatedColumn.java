package io.sluice.scoring.batch;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.BytesUtils;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageWriter;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.values.plain.PlainValuesWriter;
import org.apache.parquet.io.api.Binary;

/**
 * A Parquet column whose values repeat for many rows, or are missing in all of them: a dictionary
 * of its values and the runs in which they follow each other.
 *
 * <p>A value is looked up, compared with the least and the greatest and counted once a run.
 * Parquet's own column writer does so once a row, which for the columns that a whole run says alike
 * is most of the time it takes to write predictions.
 */
final class RepeatedColumn implements PageColumn {
  private static final int INITIAL_BYTES = 1 << 10;
  private static final int PAGE_BYTES = 1 << 20;

  private final ColumnDescriptor column;

  // of the row group at hand
  private Map<Object, Integer> ids = new HashMap<>();
  private PlainValuesWriter dictionary = newDictionary();

  // of the page at hand: the id of each run, and its rows
  private int[] idOfRun = new int[64];
  private int[] rowsOfRun = new int[64];
  private int runs;
  private int nulls;
  private Statistics<?> statistics;

  RepeatedColumn(ColumnDescriptor column) {
    this.column = column;
    this.statistics = Statistics.createStats(column.getPrimitiveType());
  }

  /** The value of the next rows: a Binary, Integer or Long; null only if it is null in all rows. */
  void add(Object value, int rows) {
    if (value == null) {
      nulls += rows;
      return;
    }
    Integer id = ids.get(value);
    if (id == null) {
      id = ids.size();
      ids.put(value, id);
      define(value);
    }
    if (runs > 0 && idOfRun[runs - 1] == id) {
      rowsOfRun[runs - 1] += rows;
      return;
    }
    if (runs == idOfRun.length) {
      idOfRun = Arrays.copyOf(idOfRun, 2 * runs);
      rowsOfRun = Arrays.copyOf(rowsOfRun, 2 * runs);
    }
    idOfRun[runs] = id;
    rowsOfRun[runs++] = rows;
    observe(value);
  }

  private void define(Object value) {
    if (value instanceof Binary binary) {
      dictionary.writeBytes(binary);
    } else if (value instanceof Integer number) {
      dictionary.writeInteger(number);
    } else {
      dictionary.writeLong((Long) value);
    }
  }

  private void observe(Object value) {
    if (value instanceof Binary binary) {
      statistics.updateStats(binary);
    } else if (value instanceof Integer number) {
      statistics.updateStats(number.intValue());
    } else {
      statistics.updateStats(((Long) value).longValue());
    }
  }

  @Override
  public ColumnDescriptor descriptor() {
    return column;
  }

  @Override
  public void endPage(PageWriter pages, int rows) throws IOException {
    if (nulls > 0 && nulls < rows) {
      throw new IllegalStateException(
          "%s is null in %d rows of %d, expected in none or all"
              .formatted(String.join(".", column.getPath()), nulls, rows));
    }
    boolean optional = column.getMaxDefinitionLevel() > 0;
    BytesInput levels =
        optional
            ? Levels.same(nulls > 0 ? 0 : column.getMaxDefinitionLevel(), rows, 1)
            : BytesInput.empty();
    BytesInput values = nulls > 0 ? BytesInput.empty() : ids();
    statistics.incrementNumNulls(nulls);
    pages.writePage(
        BytesInput.concat(levels, values),
        rows,
        rows,
        statistics,
        Encoding.BIT_PACKED,
        optional ? Encoding.RLE : Encoding.BIT_PACKED,
        nulls > 0 ? Encoding.PLAIN : Encoding.PLAIN_DICTIONARY);
    runs = 0;
    nulls = 0;
    statistics = Statistics.createStats(column.getPrimitiveType());
  }

  /** The width of an id in bits, then the ids. */
  private BytesInput ids() throws IOException {
    int bits = BytesUtils.getWidthFromMaxInt(ids.size() - 1);
    var encoder = Levels.encoder(bits);
    for (int run = 0; run < runs; run++) {
      for (int n = rowsOfRun[run]; n > 0; n--) {
        encoder.writeInt(idOfRun[run]);
      }
    }
    return BytesInput.concat(BytesInput.from(new byte[] {(byte) bits}), encoder.toBytes());
  }

  /** Writes the dictionary. */
  @Override
  public void endRowGroup(PageWriter pages) throws IOException {
    if (!ids.isEmpty()) {
      pages.writeDictionaryPage(
          new DictionaryPage(dictionary.getBytes(), ids.size(), Encoding.PLAIN_DICTIONARY));
    }
    ids = new HashMap<>();
    dictionary = newDictionary();
  }

  private static PlainValuesWriter newDictionary() {
    return new PlainValuesWriter(INITIAL_BYTES, PAGE_BYTES, HeapByteBufferAllocator.getInstance());
  }
}
