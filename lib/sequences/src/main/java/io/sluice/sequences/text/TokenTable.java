package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.input_file_block_start;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.telemetry.source.RawTable;
import io.sluice.sequences.telemetry.source.ReadFailures;
import io.sluice.sequences.telemetry.source.SeriesOfFile;
import io.sluice.sequences.telemetry.source.WriteFailures;
import io.sluice.sequences.text.TextSettings.Document;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
  private final TextSettings settings;
  private final String uri;
  private final long files;
  private final Map<ChunkId, Before> chunks = new HashMap<>();
  private final TreeMap<String, Long> rejected = new TreeMap<>();
  private final long[] documents = new long[3];
  private final long[] tokens = new long[3];
  private long replaced;
  private String hash;

  private TokenTable(SparkSession spark, TextSettings settings, String uri, long files) {
    this.spark = spark;
    this.settings = settings;
    this.uri = uri;
    this.files = files;
  }

  /** Reads and tokenises the sources. */
  static TokenTable write(
      SparkSession spark, TextSettings settings, String tokenizerJson, StagedFolder staged) {
    Dataset<Row> raw = null;
    var roots = new ArrayList<String>();
    long files = 0;
    for (int number = 0; number < 3; number++) {
      String path = settings.source().paths().get(number);
      roots.add(path == null ? "" : SeriesOfFile.root(path));
      if (path == null) {
        continue;
      }
      RawTable table = open(spark, settings, number);
      files += table.files().length;
      Dataset<Row> own = columns(table, settings.source(), number);
      raw = raw == null ? own : raw.union(own);
    }
    var source = settings.source();
    var names = new ArrayList<String>();
    names.add(source.textColumn());
    names.add(source.idColumn());
    names.add(source.labelColumn());
    var tokenising =
        new Tokenising(
            settings.text().tokenisation(),
            tokenizerJson,
            settings.dataset().layout() == Layout.DOCUMENTS,
            source.labelColumn() != null,
            settings.text().invalidUtf8(),
            roots,
            names);
    String uri = staged.uri() + "/" + FOLDER;
    Dataset<Row> tokenised = raw.mapPartitions(tokenising, Encoders.row(Tokenising.SCHEMA));
    WriteFailures.guard(
        settings.described(0),
        staged.uri(),
        () -> {
          tokenised.write().option("compression", "snappy").parquet(uri);
          return null;
        });
    var table = new TokenTable(spark, settings, uri, files);
    table.addUp();
    return table;
  }

  private static RawTable open(SparkSession spark, TextSettings settings, int number) {
    var source = settings.source();
    var options = new TreeMap<>(source.options());
    if (source.format().equals("text") && source.document() == Document.FILE) {
      options.put("wholetext", "true");
    }
    return RawTable.open(
        spark,
        settings.described(number),
        source.paths().get(number),
        source.format(),
        options,
        source.columnNames());
  }

  private static Dataset<Row> columns(RawTable table, TextSettings.Source source, int number) {
    table.requirePlain(source.textColumn(), "source.columns.text");
    table.requirePlain(source.idColumn(), "source.columns.id");
    table.requirePlain(source.labelColumn(), "source.columns.label");
    return table
        .rows()
        .select(
            lit(number).as("source"),
            table.file().as("uri"),
            input_file_block_start().as("block"),
            table.malformed().as("malformed"),
            text(table, source.textColumn()).as("text"),
            text(table, source.idColumn()).as("id"),
            text(table, source.labelColumn()).as("label"));
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
      if (settings.source().paths().get(number) != null && documents[number] == 0) {
        throw new InvalidInputException(
            "%s has no rows. Give a path with data.".formatted(settings.described(number)));
      }
    }
    boolean stream = settings.dataset().layout() == Layout.STREAM;
    if (stream || settings.source().idColumn() == null) {
      for (ChunkId id : chunks.keySet()) {
        if (id.file().isEmpty()) {
          throw new InvalidInputException(
              stream
                  ? "%s is not made of files, so its rows have no order, and a stream needs one. Write it to files, or use dataset.layout = documents."
                      .formatted(settings.described(id.source()))
                  : "%s is not made of files, so its documents have no names. Set source.columns.id."
                      .formatted(settings.described(id.source())));
        }
      }
    }
  }

  /** All rows, in no order. */
  Dataset<Row> rows() {
    return spark.read().schema(Tokenising.SCHEMA).parquet(uri);
  }

  /** Runs an action on the rows. */
  <T> T reading(java.util.concurrent.Callable<T> action) {
    return ReadFailures.guard(settings.described(0), action);
  }

  /** What lies before each chunk. */
  Map<ChunkId, Before> chunks() {
    return chunks;
  }

  /** Rejected so far, by reason. */
  TreeMap<String, Long> rejected() {
    return rejected;
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
