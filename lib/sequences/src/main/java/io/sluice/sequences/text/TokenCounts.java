package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.sum;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * How often each token occurs, counted on executors: each task adds up what it reads, a shuffle
 * adds up the tasks, and the driver gets the tokens that it asks for.
 */
final class TokenCounts {
  private static final StructType SCHEMA =
      new StructType().add("token", DataTypes.StringType).add("n", DataTypes.LongType);

  private final TokenTable table;
  private final Dataset<Row> counts;

  private TokenCounts(TokenTable table, Dataset<Row> counts) {
    this.table = table;
    this.counts = counts;
  }

  /**
   * @param documents with a column tokens
   */
  static TokenCounts of(TokenTable table, Dataset<Row> documents) {
    return new TokenCounts(
        table,
        documents
            .select("tokens")
            .mapPartitions(new CountTask(), Encoders.row(SCHEMA))
            .groupBy("token")
            .agg(sum("n").as("n")));
  }

  /**
   * The most frequent tokens, of equal ones that with the smaller characters first, after some that
   * are wanted whatever their count.
   *
   * @param wanted come first, where they occur
   * @param unwanted do not come
   * @param atMost of the others; 0 = all
   */
  Map<String, Long> most(
      int minCount, int atMost, Collection<String> wanted, Collection<String> unwanted) {
    Column isWanted = col("token").isin(wanted.toArray());
    Dataset<Row> ordered =
        counts
            .where(isWanted.or(col("n").geq(minCount)))
            .where(not(col("token").isin(unwanted.toArray())))
            .orderBy(isWanted.desc(), col("n").desc(), col("token"));
    var all = collect(atMost == 0 ? ordered : ordered.limit(atMost + wanted.size()));
    var most = new LinkedHashMap<String, Long>();
    int room = atMost == 0 ? Integer.MAX_VALUE : atMost;
    for (Map.Entry<String, Long> entry : all.entrySet()) {
      if (wanted.contains(entry.getKey()) || room-- > 0) {
        most.put(entry.getKey(), entry.getValue());
      }
    }
    return most;
  }

  /** Counts of everything, for a vocabulary that is known and holds it all but a few. */
  Map<String, Long> all() {
    return new TreeMap<>(collect(counts));
  }

  private Map<String, Long> collect(Dataset<Row> rows) {
    var collected = new LinkedHashMap<String, Long>();
    table
        .reading(rows::collectAsList)
        .forEach(row -> collected.put(row.getString(0), row.getLong(1)));
    return collected;
  }

  /** Counts of what a task reads; handed on, and begun anew, before they take much memory. */
  private static final class CountTask implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1L;
    private static final int MOST_TOKENS = 1 << 19;

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
      return new Iterator<>() {
        private final ArrayDeque<Row> ready = new ArrayDeque<>();

        @Override
        public boolean hasNext() {
          if (ready.isEmpty()) {
            var counts = new HashMap<String, long[]>();
            while (rows.hasNext() && counts.size() < MOST_TOKENS) {
              JoinedTokens.forEach(
                  rows.next().getString(0),
                  token -> counts.computeIfAbsent(token, t -> new long[1])[0]++);
            }
            counts.forEach((token, n) -> ready.add(RowFactory.create(token, n[0])));
          }
          return !ready.isEmpty();
        }

        @Override
        public Row next() {
          return ready.remove();
        }
      };
    }
  }
}
