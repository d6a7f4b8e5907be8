package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.udf;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.WriteFailures;
import io.sluice.sequences.telemetry.store.SegmentShuffle;
import io.sluice.sequences.text.dataset.TextColumns;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/** The one shuffle of a build: tokens become ids and go to the files that they belong to. */
final class DatasetWriting {
  private static final String ATTEMPTS = "_attempts";

  /** Blocks of a file of a stream: 4 million tokens. */
  static final int BLOCKS_PER_PART = 1024;

  private final SparkSession spark;
  private final StagedFolder staged;
  private final TextSettings settings;
  private final PartFiles files;
  private final Lake lake;

  DatasetWriting(SparkSession spark, StagedFolder staged, TextSettings settings) {
    this.spark = spark;
    this.staged = staged;
    this.settings = settings;
    this.files =
        new PartFiles(
            settings.dataset().layout(),
            settings.dataset().codec(),
            staged.uri() + "/" + ATTEMPTS,
            new SerializableConfiguration(spark.sessionState().newHadoopConf()));
    this.lake = Lake.of(spark.sessionState().newHadoopConf());
  }

  /** The folder that the dataset is built in. */
  StagedFolder staged() {
    return staged;
  }

  /**
   * @param corpus of the splits that are written
   * @param lengths documents by stored length, of each split; of others none
   */
  List<WrittenPart> documents(
      Corpus corpus,
      TextContract contract,
      Vocabulary vocabulary,
      Map<Split, TreeMap<Integer, Long>> lengths) {
    DocumentParts parts = DocumentParts.of(lengths);
    Column length =
        contract.maxTokens() == 0
            ? col("count")
            : org.apache.spark.sql.functions.least(col("count"), lit(contract.maxTokens()));
    Dataset<Row> placed =
        corpus
            .documents()
            .withColumn("length", length)
            .withColumn(
                "part",
                udf(parts, DataTypes.LongType).apply(col("split"), col("length"), col("spread")))
            .select(
                "part", "length", "spread", "key", "exact1", "exact2", "class", "count", "tokens");
    JavaRDD<Row> sorted =
        together(placed, parts.parts())
            .sortWithinPartitions("part", "length", "spread", "key", "exact1", "exact2", "class")
            .javaRDD();
    return write(
        () -> sorted.mapPartitions(new DocumentTask(files, contract, vocabulary)).collect());
  }

  /**
   * @param corpus of the splits that are written
   * @param lengths documents by length, of each split; of others none
   */
  List<WrittenPart> stream(
      Corpus corpus, Vocabulary vocabulary, Map<Split, TreeMap<Integer, Long>> lengths) {
    long perPart = (long) BLOCKS_PER_PART * TextColumns.BLOCK_TOKENS;
    int parts =
        lengths.values().stream()
            .mapToInt(own -> (int) ((SplitSummaries.tokens(own) + perPart - 1) / perPart))
            .sum();
    Dataset<Row> pieces =
        corpus
            .documents()
            .select("split", "start", "count", "tokens")
            .mapPartitions(new PieceTask(vocabulary), Encoders.row(PieceTask.SCHEMA));
    JavaRDD<Row> sorted =
        together(pieces, parts).sortWithinPartitions("part", "block", "at").javaRDD();
    return write(() -> sorted.mapPartitions(new BlockTask(files, vocabulary)).collect());
  }

  /** Rows of a part in one Spark partition, parts dealt evenly over partitions. */
  private Dataset<Row> together(Dataset<Row> rows, int parts) {
    int wanted =
        settings.dataset().partitions() > 0
            ? settings.dataset().partitions()
            : Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions"));
    int n = Math.max(1, Math.min(wanted, parts));
    Column slots = lit(SegmentShuffle.slots(n));
    // parts of a split count from 0, and splits from 2^32: their sum spreads both
    Column number = col("part").plus(org.apache.spark.sql.functions.shiftright(col("part"), 32));
    return rows.repartition(n, element_at(slots, pmod(number, lit(n)).cast("int").plus(1)));
  }

  private List<WrittenPart> write(java.util.concurrent.Callable<List<List<WrittenPart>>> job) {
    List<List<WrittenPart>> results = WriteFailures.guard(settings.described(0), staged.uri(), job);
    var written = new ArrayList<WrittenPart>();
    results.forEach(written::addAll);
    written.sort(Comparator.comparing(WrittenPart::split).thenComparing(WrittenPart::path));
    for (WrittenPart part : written) {
      takeOver(part);
    }
    lake.delete(staged.uri() + "/" + ATTEMPTS);
    return written;
  }

  private void takeOver(WrittenPart part) {
    var target = new Path(staged.uri() + "/" + part.path());
    try {
      FileSystem fs = lake.fileSystem(staged.uri());
      fs.mkdirs(target.getParent());
      if (!fs.rename(new Path(part.attemptPath()), target)) {
        throw new IOException("renaming %s failed".formatted(part.attemptPath()));
      }
    } catch (IOException e) {
      throw Lake.writeFailure(target.toString(), e);
    }
  }

  private static long unknown(int[] ids, int from, int to, int unknownId) {
    long n = 0;
    for (int i = from; i < to; i++) {
      n += ids[i] == unknownId ? 1 : 0;
    }
    return n;
  }

  /** Documents in order of part, length and hash, to files. */
  private record DocumentTask(PartFiles files, TextContract contract, Vocabulary vocabulary)
      implements FlatMapFunction<Iterator<Row>, List<WrittenPart>> {
    @Override
    public Iterator<List<WrittenPart>> call(Iterator<Row> rows) throws IOException {
      try (PartFiles.Open open = files.open()) {
        while (rows.hasNext()) {
          Row row = rows.next();
          int[] ids =
              TextEncoder.truncated(
                  JoinedTokens.ids(row.getString(8), row.getInt(7), vocabulary), contract);
          PartWriter writer = open.of(row.getLong(0));
          writer.writeDocument(row.getString(3), row.isNullAt(6) ? null : row.getInt(6), ids);
          open.countUnknown(unknown(ids, 0, ids.length, contract.unknownId()));
        }
        return List.of(open.finish()).iterator();
      }
    }
  }

  /** Documents to the pieces of blocks that they fill. */
  private record PieceTask(Vocabulary vocabulary) implements MapPartitionsFunction<Row, Row> {
    static final StructType SCHEMA =
        new StructType()
            .add("part", DataTypes.LongType)
            .add("block", DataTypes.LongType)
            .add("at", DataTypes.IntegerType)
            .add("ids", DataTypes.BinaryType);

    @Override
    public Iterator<Row> call(Iterator<Row> documents) {
      var ready = new ArrayDeque<Row>();
      return new Iterator<>() {
        @Override
        public boolean hasNext() {
          while (ready.isEmpty() && documents.hasNext()) {
            cut(documents.next(), ready);
          }
          return !ready.isEmpty();
        }

        @Override
        public Row next() {
          return ready.remove();
        }
      };
    }

    private void cut(Row document, ArrayDeque<Row> pieces) {
      Split split = Split.values()[document.getInt(0)];
      int[] ids = JoinedTokens.ids(document.getString(3), document.getInt(2), vocabulary);
      long start = document.getLong(1);
      for (int from = 0; from < ids.length; ) {
        long block = (start + from) / TextColumns.BLOCK_TOKENS;
        int at = (int) ((start + from) % TextColumns.BLOCK_TOKENS);
        int count = Math.min(ids.length - from, TextColumns.BLOCK_TOKENS - at);
        ByteBuffer bytes = ByteBuffer.allocate(4 * count);
        bytes.asIntBuffer().put(ids, from, count);
        long part = PartFiles.number(split, (int) (block / BLOCKS_PER_PART));
        pieces.add(RowFactory.create(part, block, at, bytes.array()));
        from += count;
      }
    }
  }

  /** Pieces in order of part, block and place, to files. */
  private record BlockTask(PartFiles files, Vocabulary vocabulary)
      implements FlatMapFunction<Iterator<Row>, List<WrittenPart>> {
    @Override
    public Iterator<List<WrittenPart>> call(Iterator<Row> pieces) throws IOException {
      int[] ids = new int[TextColumns.BLOCK_TOKENS];
      int length = 0;
      long part = -1;
      long block = -1;
      try (PartFiles.Open open = files.open()) {
        while (pieces.hasNext()) {
          Row piece = pieces.next();
          if (piece.getLong(0) != part || piece.getLong(1) != block) {
            flush(open, part, block, ids, length);
            part = piece.getLong(0);
            block = piece.getLong(1);
            length = 0;
          }
          if (piece.getInt(2) != length) {
            throw new IllegalStateException(
                "block %d of %s has its next piece at %d, expected at %d"
                    .formatted(block, part, piece.getInt(2), length));
          }
          byte[] bytes = piece.getAs(3);
          ByteBuffer.wrap(bytes).asIntBuffer().get(ids, length, bytes.length / 4);
          length += bytes.length / 4;
        }
        flush(open, part, block, ids, length);
        return List.of(open.finish()).iterator();
      }
    }

    private void flush(PartFiles.Open open, long part, long block, int[] ids, int length)
        throws IOException {
      if (length > 0) {
        open.of(part).writeBlock(block, ids, length);
        open.countUnknown(unknown(ids, 0, length, vocabulary.unknownId()));
      }
    }
  }
}
