package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.input_file_block_start;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.telemetry.source.RawTable;
import io.sluice.sequences.telemetry.source.ReadFailures;
import io.sluice.sequences.telemetry.source.SeriesOfFile;
import io.sluice.sequences.telemetry.source.WriteFailures;
import io.sluice.sequences.text.TextSettings.Document;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Every document of the sources, tokenised once, in a Parquet table beside the dataset. */
final class TokenTable {
  /** Below the staged folder; gone before it is published. */
  static final String FOLDER = "tokens";

  /** Where rows were read: at most some thousand rows in a row of one file. */
  record ChunkId(int source, String file, long block, int chunk) implements Serializable {}

  /**
   * What comes before a chunk.
   *
   * @param row rows of its file before it
   * @param token tokens of its source before it
   */
  record Before(long row, long token) implements Serializable {}

  private final SparkSession spark;
  private final Reading reading;
  private final String uri;
  private final long files;
  private final boolean hasLabels;
  private final Map<ChunkId, Before> chunks = new HashMap<>();
  private final TreeMap<String, Long> rejected = new TreeMap<>();
  private final long[] documents = new long[3];
  private final long[] tokens = new long[3];
  private long replaced;
  private String hash;

  private TokenTable(
      SparkSession spark, Reading reading, String uri, long files, boolean hasLabels) {
    this.spark = spark;
    this.hasLabels = hasLabels;
    this.reading = reading;
    this.uri = uri;
    this.files = files;
  }

  /**
   * Reads and tokenises the sources.
   *
   * @param parent folder that the table is written into
   */
  static TokenTable write(SparkSession spark, Reading reading, String parent) {
    var source = reading.source();
    Dataset<Row> raw = null;
    var roots = new ArrayList<String>();
    long files = 0;
    boolean hasLabels = false;
    for (int number = 0; number < 3; number++) {
      String path = source.paths().get(number);
      roots.add(path == null ? "" : SeriesOfFile.root(path));
      if (path == null) {
        continue;
      }
      RawTable table = open(spark, reading, number);
      files += table.files().length;
      hasLabels |= table.has(source.labelColumn());
      Dataset<Row> own = columns(table, reading, number);
      raw = raw == null ? own : raw.union(own);
    }
    var names = new ArrayList<String>();
    names.add(source.textColumn());
    names.add(source.idColumn());
    names.add(source.labelColumn());
    var tokenising =
        new Tokenising(
            reading.tokenisation(),
            reading.tokenizerJson(),
            !reading.isStream(),
            reading.needsLabels(),
            reading.invalidUtf8(),
            roots,
            names);
    String uri = parent + "/" + FOLDER;
    Dataset<Row> tokenised = raw.mapPartitions(tokenising, Encoders.row(Tokenising.SCHEMA));
    WriteFailures.guard(
        reading.described(0),
        parent,
        () -> {
          tokenised.write().option("compression", "snappy").parquet(uri);
          return null;
        });
    var table = new TokenTable(spark, reading, uri, files, hasLabels);
    table.addUp();
    return table;
  }

  private static RawTable open(SparkSession spark, Reading reading, int number) {
    var source = reading.source();
    var options = new TreeMap<>(source.options());
    if (source.format().equals("text") && source.document() == Document.FILE) {
      options.put("wholetext", "true");
    }
    return RawTable.open(
        spark,
        reading.described(number),
        source.paths().get(number),
        source.format(),
        options,
        source.columnNames());
  }

  private static Dataset<Row> columns(RawTable table, Reading reading, int number) {
    var source = reading.source();
    table.requirePlain(source.textColumn(), "source.columns.text");
    table.requirePlain(source.idColumn(), "source.columns.id");
    boolean hasLabels = reading.needsLabels() || table.has(source.labelColumn());
    String label = hasLabels ? source.labelColumn() : null;
    table.requirePlain(label, "source.columns.label");
    return table
        .rows()
        .select(
            lit(number).as("source"),
            table.file().as("uri"),
            input_file_block_start().as("block"),
            table.malformed().as("malformed"),
            text(table, source.textColumn()).as("text"),
            text(table, source.idColumn()).as("id"),
            text(table, label).as("label"));
  }

  private static Column text(RawTable table, String name) {
    return name == null ? lit(null).cast("string") : table.column(name).cast("string");
  }

  /** Adds up what lies before each chunk, and what there is of everything. */
  private void addUp() {
    record Chunk(ChunkId id, long[] rowsAndTokens) {}
    var found = new HashMap<ChunkId, Chunk>();
    long hash1 = 0;
    long hash2 = 0;
    // 36 bits of each hash: the sums of a hundred million of them fit a long
    List<Row> groups =
        reading(
            () ->
                rows()
                    .groupBy("source", "file", "block", "chunk", "reason")
                    .agg(
                        org.apache.spark.sql.functions.count(lit(1)),
                        sum("count"),
                        sum(col("replaced").cast("int")),
                        sum(expr("exact1 & 68719476735")),
                        sum(expr("exact2 & 68719476735")))
                    .collectAsList());
    for (Row row : groups) {
      var id = new ChunkId(row.getInt(0), row.getString(1), row.getLong(2), row.getInt(3));
      Chunk chunk = found.computeIfAbsent(id, i -> new Chunk(i, new long[2]));
      long rows = row.getLong(5);
      chunk.rowsAndTokens()[0] += rows;
      chunk.rowsAndTokens()[1] += row.getLong(6);
      documents[id.source()] += rows;
      tokens[id.source()] += row.getLong(6);
      replaced += row.getLong(7);
      if (row.isNullAt(4)) {
        hash1 += row.getLong(8);
        hash2 += row.getLong(9);
      } else {
        rejected.merge(row.getString(4), rows, Long::sum);
      }
    }
    hash = "%016x%016x".formatted(hash1, hash2);
    var ordered = new ArrayList<>(found.values());
    ordered.sort(
        Comparator.comparingInt((Chunk c) -> c.id().source())
            .thenComparing(c -> c.id().file())
            .thenComparingLong(c -> c.id().block())
            .thenComparingInt(c -> c.id().chunk()));
    ChunkId last = null;
    long row = 0;
    long token = 0;
    for (Chunk chunk : ordered) {
      ChunkId id = chunk.id();
      if (last == null || last.source() != id.source()) {
        token = 0;
        row = 0;
      } else if (!last.file().equals(id.file())) {
        row = 0;
      }
      chunks.put(id, new Before(row, token));
      row += chunk.rowsAndTokens()[0];
      token += chunk.rowsAndTokens()[1];
      last = id;
    }
  }

  /** Refuses sources without rows, and those whose rows have neither a name nor a place. */
  void requireDocuments() {
    for (int number = 0; number < 3; number++) {
      if (reading.source().paths().get(number) != null && documents[number] == 0) {
        throw new InvalidInputException(
            "%s has no rows. Give a path with data.".formatted(reading.described(number)));
      }
    }
    boolean stream = reading.isStream();
    if (stream || reading.source().idColumn() == null) {
      for (ChunkId id : chunks.keySet()) {
        if (id.file().isEmpty()) {
          throw new InvalidInputException(
              stream
                  ? "%s is not made of files, so its rows have no order, and a stream needs one. Write it to files, or use dataset.layout = documents."
                      .formatted(reading.described(id.source()))
                  : "%s is not made of files, so its documents have no names. Set source.columns.id."
                      .formatted(reading.described(id.source())));
        }
      }
    }
  }

  /** All rows, in no order. */
  Dataset<Row> rows() {
    return spark.read().schema(Tokenising.SCHEMA).parquet(uri);
  }

  /** Columns source_file, reason and row of what cannot be used. */
  Dataset<Row> rejects() {
    return rows()
        .where("reason is not null")
        .selectExpr("nullif(uri, '') as source_file", "reason", "row");
  }

  /** Runs an action on the rows. */
  <T> T reading(java.util.concurrent.Callable<T> action) {
    return ReadFailures.guard(reading.described(0), action);
  }

  /** What lies before each chunk. */
  Map<ChunkId, Before> chunks() {
    return chunks;
  }

  /** Rejected so far, by reason. */
  TreeMap<String, Long> rejected() {
    return rejected;
  }

  /**
   * Refuses a source of which too little is left.
   *
   * @param maxShare more rejected documents than this share are too many
   * @param path where they were written to
   * @param advice what to do
   */
  void requireFewRejected(double maxShare, String path, String advice) {
    long n = rejected.values().stream().mapToLong(Long::longValue).sum();
    double share = (double) n / documents();
    if (n < documents() && share <= maxShare) {
      return;
    }
    List<String> reasons =
        rejected.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
            .map(e -> "%s %d".formatted(e.getKey(), e.getValue()))
            .toList();
    throw new InvalidInputException(
        "%s: %d of %d documents cannot be used (%.2f %%), %s. Reasons: %s. They are in %s; %s."
            .formatted(
                reading.described(0),
                n,
                documents(),
                100 * share,
                share > maxShare ? "more than reject.max-share = " + maxShare : "and none is left",
                String.join(", ", reasons),
                path,
                advice));
  }

  /** What a person should know of bytes that are not UTF-8; empty where there are none. */
  Optional<String> warningOfReplaced() {
    return replaced == 0
        ? Optional.empty()
        : Optional.of(
            "%d documents have bytes that are not UTF-8, or the character U+FFFD that such bytes became before; each is U+FFFD now. text.invalid-utf8 = reject leaves these documents out."
                .formatted(replaced));
  }

  /** Whether a source has the column of labels. */
  boolean hasLabels() {
    return hasLabels;
  }

  /** The main source with the setting that names it. */
  String described() {
    return reading.described(0);
  }

  long files() {
    return files;
  }

  /** Documents of all sources, rejected ones included. */
  long documents() {
    return documents[0] + documents[1] + documents[2];
  }

  /** Tokens of a source. */
  long tokens(int source) {
    return tokens[source];
  }

  long replaced() {
    return replaced;
  }

  /** Order-independent hash of the usable texts. */
  String hash() {
    return hash;
  }
}
