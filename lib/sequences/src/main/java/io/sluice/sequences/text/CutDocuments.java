package io.sluice.sequences.text;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Documents of the main source to pieces, where a split begins within one. A piece is a document
 * with hashes of its own, of its tokens; characters are shared out in proportion to these.
 *
 * @param validationFrom first token of the validation split
 * @param testFrom first token of the test split, not before that of validation
 */
record CutDocuments(long validationFrom, long testFrom) implements FlatMapFunction<Row, Row> {

  @Override
  public Iterator<Row> call(Row document) {
    long start = document.getLong(document.fieldIndex("at_token"));
    int count = document.getInt(document.fieldIndex("count"));
    var pieces = new ArrayList<Row>();
    int from = 0;
    if (document.getInt(document.fieldIndex("source")) == 0) {
      for (long cut : new long[] {validationFrom, testFrom}) {
        if (cut > start + from && cut < start + count) {
          int to = (int) (cut - start);
          pieces.add(piece(document, from, to, count));
          from = to;
        }
      }
    }
    if (from == 0) {
      return List.of(document).iterator();
    }
    pieces.add(piece(document, from, count, count));
    return pieces.iterator();
  }

  /** Tokens {@code from} to {@code to} − 1. */
  private static Row piece(Row document, int from, int to, int count) {
    var values = new Object[document.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = document.get(i);
    }
    String tokens = JoinedTokens.slice(document.getString(document.fieldIndex("tokens")), from, to);
    long characters = document.getInt(document.fieldIndex("characters"));
    ByteBuffer hash =
        ByteBuffer.wrap(Tokenising.sha256().digest(tokens.getBytes(StandardCharsets.UTF_8)));
    values[document.fieldIndex("tokens")] = tokens;
    values[document.fieldIndex("count")] = to - from;
    values[document.fieldIndex("characters")] =
        (int) (characters * to / count - characters * from / count);
    values[document.fieldIndex("at_token")] =
        document.getLong(document.fieldIndex("at_token")) + from;
    for (String equality : new String[] {"exact", "normal"}) {
      values[document.fieldIndex(equality + "1")] = hash.getLong(0);
      values[document.fieldIndex(equality + "2")] = hash.getLong(8);
    }
    return RowFactory.create(values);
  }
}
