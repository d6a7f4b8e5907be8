package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.source.ReadFailures;
import io.sluice.sequences.text.KeptTokens.FileState;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Every document of the sources, tokenised once, in Parquet: in a folder of this build's own, or in
 * {@link KeptTokens}.
 */
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

  private final Reading reading;
  private final Supplier<Dataset<Row>> rows;
  private final long files;
  private final long tokenisedFiles;
  private final boolean hasLabels;
  private final Map<ChunkId, Before> chunks = new HashMap<>();
  private final TreeMap<String, Long> rejected = new TreeMap<>();
  private final long[] documents = new long[3];
  private final long[] tokens = new long[3];
  private long replaced;
  private String hash;

  private TokenTable(
      Sources sources, Reading reading, Supplier<Dataset<Row>> rows, long tokenisedFiles) {
    this.reading = reading;
    this.rows = rows;
    this.files = sources.files().size();
    this.tokenisedFiles = tokenisedFiles;
    this.hasLabels = sources.hasLabels();
    addUp();
  }

  /**
   * Reads and tokenises the sources.
   *
   * @param parent folder that the table is written into; the caller deletes it
   */
  static TokenTable write(SparkSession spark, Reading reading, String parent) {
    Sources sources = Sources.open(spark, reading);
    String uri = parent + "/" + FOLDER;
    sources.tokenise(sources.files(), uri);
    return new TokenTable(
        sources,
        reading,
        () -> spark.read().schema(Tokenising.SCHEMA).parquet(uri),
        sources.files().size());
  }

  /**
   * Tokenises the files whose tokens are not kept, and keeps them.
   *
   * @param preparation the settings of the source, without secrets
   * @param state of the sources, from before they were opened
   */
  static TokenTable write(
      SparkSession spark,
      Reading reading,
      JsonNode preparation,
      String codeVersion,
      SourceState state,
      KeptTokens kept) {
    Sources sources = Sources.open(spark, reading);
    kept.require(sources.hash(codeVersion, preparation));
    Map<FileState, Sources.File> files = new LinkedHashMap<>();
    sources.files().forEach(f -> files.put(state.of(f.source(), f.uri(), f.name()), f));
    List<FileState> now = List.copyOf(files.keySet());
    List<FileState> missing = kept.missing(now);
    if (!missing.isEmpty()) {
      sources.tokenise(missing.stream().map(files::get).toList(), kept.nextFolder());
      kept.add(missing);
    }
    if (kept.isScattered(now)) {
      sources.write(kept.rows(spark, now), kept.nextFolder());
      kept.replaceAll(now);
    }
    return new TokenTable(sources, reading, () -> kept.rows(spark, now), missing.size());
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
                        count(lit(1)),
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

  /** Refuses sources without rows. */
  void requireDocuments() {
    for (int number = 0; number < 3; number++) {
      if (reading.source().paths().get(number) != null && documents[number] == 0) {
        throw new InvalidInputException(
            "%s has no rows. Give a path with data.".formatted(reading.described(number)));
      }
    }
  }

  /** All rows, in no order. */
  Dataset<Row> rows() {
    return rows.get();
  }

  /** Columns source_file, reason and row of what cannot be used. */
  Dataset<Row> rejects() {
    return rows()
        .where("reason is not null")
        .selectExpr("nullif(uri, '') as source_file", "reason", "row");
  }

  /** Runs an action on the rows. */
  <T> T reading(Callable<T> action) {
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
   * @param excused reasons that do not count for it
   * @param path where they were written to
   * @param advice what to do
   */
  void requireFewRejected(double maxShare, Set<TextReject> excused, String path, String advice) {
    var counted = new TreeMap<>(rejected);
    excused.forEach(reason -> counted.remove(reason.label()));
    boolean isTooMuch = (double) total(counted) / documents() > maxShare;
    if (!isTooMuch && total(rejected) < documents()) {
      return;
    }
    TreeMap<String, Long> blamed = isTooMuch ? counted : rejected;
    List<String> reasons =
        blamed.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
            .map(e -> "%s %d".formatted(e.getKey(), e.getValue()))
            .toList();
    throw new InvalidInputException(
        "%s: %d of %d documents cannot be used (%.2f %%), %s. Reasons: %s. They are in %s; %s."
            .formatted(
                reading.described(0),
                total(blamed),
                documents(),
                100.0 * total(blamed) / documents(),
                isTooMuch ? "more than reject.max-share = " + maxShare : "and none is left",
                String.join(", ", reasons),
                path,
                advice));
  }

  private static long total(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** What a person should know of bytes that are not UTF-8; empty where there are none. */
  Optional<String> warningOfReplaced() {
    return replaced == 0
        ? Optional.empty()
        : Optional.of(
            "%d documents have bytes that are not UTF-8%s; each is U+FFFD now. text.invalid-utf8 = reject leaves these documents out."
                .formatted(
                    replaced,
                    reading.readsBytes()
                        ? ""
                        : ", or the character U+FFFD that such bytes became before"));
  }

  /** Whether a source has the column of labels. */
  boolean hasLabels() {
    return hasLabels;
  }

  /** The main source with the setting that names it. */
  String described() {
    return reading.described(0);
  }

  /**
   * Refuses documents that have neither an id nor a place.
   *
   * @param advice what to do
   */
  void requireNames(String advice) {
    if (reading.source().idColumn() == null
        && chunks.keySet().stream().anyMatch(chunk -> chunk.file().isEmpty())) {
      throw new InvalidInputException(
          "%s is not made of files, so its documents have no names. %s"
              .formatted(reading.described(0), advice));
    }
  }

  long files() {
    return files;
  }

  /** Of them, those that this build read. */
  long tokenisedFiles() {
    return tokenisedFiles;
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
