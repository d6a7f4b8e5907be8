package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.shiftrightunsigned;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextSettings.Document;
import io.sluice.sequences.text.TokenTable.Before;
import io.sluice.sequences.text.TokenTable.ChunkId;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF4;
import org.apache.spark.sql.api.java.UDF5;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;

/**
 * The usable documents with their split, by its ordinal, and their place: in layout documents
 * {@code key}, {@code spread} (63 bits of a hash of it) and {@code label}; in layout stream {@code
 * start}, the number of the first token in the split's stream.
 */
final class Corpus {
  /** More labels than this are no classes. */
  private static final int MOST_CLASSES = 10_000;

  private final TokenTable table;
  private final TextSettings settings;
  private final List<String> classes;
  private final Dataset<Row> documents;
  private final Dataset<Row> ofUnknownLabel;

  private Corpus(
      TokenTable table,
      TextSettings settings,
      List<String> classes,
      Dataset<Row> documents,
      Dataset<Row> ofUnknownLabel) {
    this.table = table;
    this.settings = settings;
    this.classes = classes;
    this.documents = documents;
    this.ofUnknownLabel = ofUnknownLabel;
  }

  static Corpus of(TokenTable table, TextSettings settings) {
    return settings.dataset().layout() == Layout.STREAM
        ? stream(table, settings)
        : documents(table, settings);
  }

  private static Corpus documents(TokenTable table, TextSettings settings) {
    var shares = settings.split();
    UserDefinedFunction drawn =
        udf(new Draw(shares.validation(), shares.test(), shares.seed()), DataTypes.IntegerType);
    Dataset<Row> usable =
        table
            .rows()
            .where("reason is null")
            .withColumn("key", name(table, settings.source()))
            .withColumn(
                "split",
                when(col("source").equalTo(0), drawn.apply(col("key"))).otherwise(col("source")));
    if (settings.source().labelColumn() == null) {
      return new Corpus(
          table,
          settings,
          List.of(),
          spread(usable.withColumn("class", lit(null).cast("int"))),
          null);
    }
    List<String> classes = classes(table, usable, settings);
    var index = new HashMap<String, Integer>();
    classes.forEach(name -> index.put(name, index.size()));
    Dataset<Row> classed =
        usable.withColumn(
            "class", udf(new ClassOf(index), DataTypes.IntegerType).apply(col("label")));
    Dataset<Row> unknown = classed.where("class < 0");
    long rejected = table.reading(unknown::count);
    if (rejected > 0) {
      table.rejected().put(TextReject.LABEL_UNKNOWN.label(), rejected);
    }
    return new Corpus(table, settings, classes, spread(classed.where("class >= 0")), unknown);
  }

  /** The name of a row's document: its id, or where it stands. */
  static Column name(TokenTable table, TextSettings.Source source) {
    if (source.idColumn() != null) {
      return col("id");
    }
    if (source.format().equals("text") && source.document() == Document.FILE) {
      return col("file");
    }
    return udf(new Name(new HashMap<>(table.chunks())), DataTypes.StringType)
        .apply(col("source"), col("file"), col("block"), col("chunk"), col("at"));
  }

  /** Adds column spread, 63 bits of a hash of the key. */
  static Dataset<Row> spread(Dataset<Row> documents) {
    return documents.withColumn("spread", udf(new Spread(), DataTypes.LongType).apply(col("key")));
  }

  /** The labels of the train split: numbers by value, if all are, else by character. */
  private static List<String> classes(
      TokenTable table, Dataset<Row> usable, TextSettings settings) {
    if (!settings.text().classes().isEmpty()) {
      return settings.text().classes();
    }
    List<Row> found =
        table.reading(
            () ->
                usable
                    .where("split = 0")
                    .select("label")
                    .distinct()
                    .limit(MOST_CLASSES + 1)
                    .collectAsList());
    if (found.size() > MOST_CLASSES) {
      throw new InvalidInputException(
          "source.columns.label = %s has more than %d different values in the train split: it is no class. Name the label's column, or list text.classes."
              .formatted(settings.source().labelColumn(), MOST_CLASSES));
    }
    var labels = new ArrayList<String>();
    found.forEach(row -> labels.add(row.getString(0)));
    labels.sort(null);
    if (labels.stream().allMatch(label -> label.matches("-?\\d{1,18}"))) {
      labels.sort(
          java.util.Comparator.comparingLong((String label) -> Long.parseLong(label))
              .thenComparing(label -> label));
    }
    return List.copyOf(labels);
  }

  private static Corpus stream(TokenTable table, TextSettings settings) {
    UserDefinedFunction startOf = udf(new Start(new HashMap<>(table.chunks())), DataTypes.LongType);
    Dataset<Row> whole =
        table
            .rows()
            .where("reason is null and count > 0")
            .withColumn(
                "at_token",
                startOf
                    .apply(col("source"), col("file"), col("block"), col("chunk"))
                    .plus(col("before")));
    var shares = settings.split();
    long N = table.tokens(0);
    // a document belongs to the split in which its first token lies …
    long validationFrom = (long) Math.floor(N * (1 - shares.validation() - shares.test()));
    long testFrom = (long) Math.floor(N * (1 - shares.test()));
    long validationAt = N;
    long testAt = N;
    Dataset<Row> placed = whole;
    if (shares.validation() + shares.test() > 0) {
      Row first =
          table.reading(
              () ->
                  whole
                      .where("source = 0")
                      .agg(
                          min(when(col("at_token").geq(validationFrom), col("at_token"))),
                          min(when(col("at_token").geq(testFrom), col("at_token"))))
                      .head());
      validationAt = first.isNullAt(0) ? N : first.getLong(0);
      testAt = first.isNullAt(1) ? N : first.getLong(1);
      boolean isOneEmpty =
          (shares.validation() > 0 && validationAt == testAt) || (shares.test() > 0 && testAt == N);
      if (isOneEmpty) {
        // … unless that leaves a split without any, as a text of one line does
        validationAt = validationFrom;
        testAt = testFrom;
        placed =
            whole.flatMap(new CutDocuments(validationFrom, testFrom), Encoders.row(whole.schema()));
      }
    }
    Column token = col("at_token");
    Column main =
        when(token.lt(validationAt), lit(0)).when(token.lt(testAt), lit(1)).otherwise(lit(2));
    Column base =
        when(col("source").notEqual(0), lit(0L))
            .when(col("split").equalTo(0), lit(0L))
            .when(col("split").equalTo(1), lit(validationAt))
            .otherwise(lit(testAt));
    return new Corpus(
        table,
        settings,
        List.of(),
        placed
            .withColumn("split", when(col("source").equalTo(0), main).otherwise(col("source")))
            .withColumn("start", token.minus(base))
            .withColumn("class", lit(null).cast("int")),
        null);
  }

  /** The same with some documents left out. */
  Corpus with(Dataset<Row> otherDocuments) {
    return new Corpus(table, settings, classes, otherDocuments, ofUnknownLabel);
  }

  Dataset<Row> documents() {
    return documents;
  }

  Dataset<Row> of(Split split) {
    return documents.where(col("split").equalTo(split.ordinal()));
  }

  /** The same with the documents of some splits alone. */
  Corpus of(Collection<Split> splits) {
    return splits.size() == Split.values().length
        ? this
        : with(documents.where(col("split").isin(splits.stream().map(Split::ordinal).toArray())));
  }

  List<String> classes() {
    return classes;
  }

  TokenTable table() {
    return table;
  }

  /** Columns source_file, reason and row of what cannot be used. */
  Dataset<Row> rejects() {
    Dataset<Row> rejects = table.rejects();
    if (ofUnknownLabel == null) {
      return rejects;
    }
    String id = settings.source().idColumn();
    var fields = new ArrayList<Column>();
    if (id != null) {
      fields.add(col("id").as(id));
    }
    fields.add(col("label").as(settings.source().labelColumn()));
    return rejects.union(
        ofUnknownLabel.select(
            expr("nullif(uri, '')"),
            lit(TextReject.LABEL_UNKNOWN.label()),
            org.apache.spark.sql.functions.to_json(
                org.apache.spark.sql.functions.struct(fields.toArray(Column[]::new)))));
  }

  /** Names that several documents have; layout documents. */
  RepeatedNames repeatedNames() {
    return table.reading(() -> RepeatedNames.of(documents, "key"));
  }

  /**
   * What a split holds.
   *
   * @param lengths documents by tokens, before any is cut
   * @param characters of their clean texts, before any is cut
   * @param contentHash of the documents whatever their order: names, or places in the stream, texts
   *     and classes
   */
  record Contents(TreeMap<Integer, Long> lengths, long characters, String contentHash) {
    long documents() {
      return SplitSummaries.documents(lengths);
    }

    long tokens() {
      return SplitSummaries.tokens(lengths);
    }
  }

  /** What each split holds. */
  Map<Split, Contents> contents() {
    boolean isStream = settings.dataset().layout() == Layout.STREAM;
    Column hash =
        xxhash64(col(isStream ? "start" : "key"), col("class"), col("exact1"), col("exact2"));
    List<Row> groups =
        table.reading(
            () ->
                documents
                    .groupBy("split", "count")
                    .agg(
                        count(lit(1)),
                        // in halves, whose sums fit a long
                        sum(hash.bitwiseAND(0xffff_ffffL)),
                        sum(shiftrightunsigned(hash, 32)),
                        sum("characters"))
                    .collectAsList());
    var contents = new TreeMap<Split, Contents>();
    for (Split split : Split.values()) {
      var lengths = new TreeMap<Integer, Long>();
      long low = 0;
      long high = 0;
      long characters = 0;
      for (Row row : groups) {
        if (row.getInt(0) == split.ordinal()) {
          lengths.put(row.getInt(1), row.getLong(2));
          low += row.getLong(3);
          high += row.getLong(4);
          characters += row.getLong(5);
        }
      }
      contents.put(split, new Contents(lengths, characters, "%016x%016x".formatted(high, low)));
    }
    return contents;
  }

  /** Documents by split and class name. */
  Map<Split, TreeMap<String, Long>> labels() {
    var labels = new TreeMap<Split, TreeMap<String, Long>>();
    for (Split split : Split.values()) {
      labels.put(split, new TreeMap<>());
    }
    if (!classes.isEmpty()) {
      table
          .reading(() -> documents.groupBy("split", "class").count().collectAsList())
          .forEach(
              row ->
                  labels
                      .get(Split.values()[row.getInt(0)])
                      .put(classes.get(row.getInt(1)), row.getLong(2)));
    }
    return labels;
  }

  /** Names a document by its file and its line there. */
  private record Name(HashMap<ChunkId, Before> chunks)
      implements UDF5<Integer, String, Long, Integer, Integer, String> {
    @Override
    public String call(Integer source, String file, Long block, Integer chunk, Integer at) {
      Before before = chunks.get(new ChunkId(source, file, block, chunk));
      return file + ":" + (before.row() + at + 1);
    }
  }

  /** Tokens of the source before a chunk. */
  private record Start(HashMap<ChunkId, Before> chunks)
      implements UDF4<Integer, String, Long, Integer, Long> {
    @Override
    public Long call(Integer source, String file, Long block, Integer chunk) {
      return chunks.get(new ChunkId(source, file, block, chunk)).token();
    }
  }

  private record ClassOf(HashMap<String, Integer> index) implements UDF1<String, Integer> {
    @Override
    public Integer call(String label) {
      return index.getOrDefault(label, -1);
    }
  }

  /** The split of a document of the main source, by a hash of its name. */
  private record Draw(double validation, double test, long seed)
      implements UDF1<String, Integer>, Serializable {
    @Override
    public Integer call(String key) {
      double u = hash(seed + "\n" + key) / 0x1p63;
      if (u < validation) {
        return Split.VALIDATION.ordinal();
      }
      return u < validation + test ? Split.TEST.ordinal() : Split.TRAIN.ordinal();
    }
  }

  private static final class Spread implements UDF1<String, Long> {
    private static final long serialVersionUID = 1L;

    @Override
    public Long call(String key) {
      return hash(key);
    }
  }

  /** 63 bits of SHA-256. */
  private static long hash(String text) {
    byte[] digest = Tokenising.sha256().digest(text.getBytes(StandardCharsets.UTF_8));
    return ByteBuffer.wrap(digest).getLong() >>> 1;
  }
}
