package io.sluice.scoring.batch;

import io.sluice.config.ConfigReader;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.dataset.WindowContract.TargetType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.column.page.PageWriter;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.ColumnChunkPageWriteStore;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;

/**
 * One Parquet file of {@code predictions.v1}, written window by window and column by column.
 *
 * <p>The J = H·K rows of a window share all but three columns, and those come as arrays, so columns
 * are handed to Parquet as they lie in the window: {@link RepeatedColumn}s as runs, {@link
 * NumberColumn}s as blocks. What one run of the job says alike costs nothing a row.
 */
final class PredictionFile implements AutoCloseable {
  /** Rows a page is filled to: what a reader that looks for one series unpacks at least. */
  private static final int PAGE_ROWS = 1 << 15;

  private static final long ROW_GROUP_BYTES = 64L << 20;

  private final MessageType schema;
  private final RunColumns run;
  private final int rowsPerWindow;
  private final Integer[] horizonSteps;
  private final Binary[] targets;

  private final List<PageColumn> columns = new ArrayList<>();
  private final RepeatedColumn series;
  private final RepeatedColumn origin;
  private final RepeatedColumn horizonStep;
  private final RepeatedColumn target;
  private final NumberColumn prediction;
  private final NumberColumn lower;
  private final NumberColumn upper;
  private final NumberColumn classProbabilities;
  private final RepeatedColumn predictedClass;
  private final RepeatedColumn modelName;
  private final RepeatedColumn modelVersion;
  private final RepeatedColumn bundleHash;
  private final RepeatedColumn runId;
  private final RepeatedColumn scoredAt;

  private final CodecFactory codecs;
  private final CodecFactory.BytesCompressor compressor;
  private final ParquetFileWriter file;
  private ColumnChunkPageWriteStore pages;
  private int pageRows;
  private long groupRows;

  /** Creates the file. */
  PredictionFile(
      Path path, Configuration hadoop, String codec, WindowContract contract, RunColumns run)
      throws IOException {
    this.schema = PredictionsSchema.parquet(contract.time().type());
    this.run = run;
    this.rowsPerWindow = contract.targetSize();
    this.horizonSteps = horizonSteps(contract);
    this.targets = targets(contract);

    this.series = repeated("series");
    this.origin = repeated("origin");
    this.horizonStep = repeated("horizon_step");
    this.target = repeated("target");
    this.prediction = numbers(1, "prediction");
    this.lower = numbers(1, "lower");
    this.upper = numbers(1, "upper");
    this.classProbabilities =
        numbers(contract.target().classes().size(), "class_probabilities", "list", "element");
    this.predictedClass = repeated("predicted_class");
    this.modelName = repeated("model_name");
    this.modelVersion = repeated("model_version");
    this.bundleHash = repeated("bundle_hash");
    this.runId = repeated("run_id");
    this.scoredAt = repeated("scored_at");

    this.codecs = new CodecFactory(hadoop, ParquetWriter.DEFAULT_PAGE_SIZE);
    this.compressor =
        codecs.getCompressor(CompressionCodecName.valueOf(codec.toUpperCase(Locale.ROOT)));
    this.pages = newPages();
    this.file =
        new ParquetFileWriter(
            HadoopOutputFile.fromPath(path, hadoop),
            schema,
            ParquetFileWriter.Mode.CREATE,
            ROW_GROUP_BYTES,
            ParquetWriter.MAX_PADDING_SIZE_DEFAULT);
    file.start();
  }

  private RepeatedColumn repeated(String name) {
    var column = new RepeatedColumn(schema.getColumnDescription(new String[] {name}));
    columns.add(column);
    return column;
  }

  private NumberColumn numbers(int length, String... path) {
    var column = new NumberColumn(schema.getColumnDescription(path), length);
    columns.add(column);
    return column;
  }

  /** horizon_step of each row of a window. */
  private static Integer[] horizonSteps(WindowContract contract) {
    var steps = new Integer[contract.targetSize()];
    int K = contract.target().channels().size();
    for (int j = 0; j < steps.length; j++) {
      steps[j] = contract.target().type() == TargetType.FORECAST ? j / K + 1 : 0;
    }
    return steps;
  }

  /** target of each row of a window. */
  private static Binary[] targets(WindowContract contract) {
    List<String> names =
        contract.target().type() == TargetType.FORECAST
            ? contract.target().channels()
            : List.of(ConfigReader.kebab(contract.target().type()));
    var targets = new Binary[contract.targetSize()];
    for (int j = 0; j < targets.length; j++) {
      targets[j] = j < names.size() ? Binary.fromString(names.get(j)) : targets[j % names.size()];
    }
    return targets;
  }

  /**
   * Adds the rows of a window; arrays shaped as in {@link ScoredWindow}.
   *
   * @param name series, UTF-8
   * @param originTicks the forecast origin
   */
  void add(
      Binary name,
      long originTicks,
      float[] predicted,
      float[] low,
      float[] high,
      float[] probabilities,
      Binary likeliestClass)
      throws IOException {
    int J = rowsPerWindow;
    series.add(name, J);
    origin.add(originTicks, J);
    for (int j = 0; j < J; j++) {
      horizonStep.add(horizonSteps[j], 1);
      target.add(targets[j], 1);
    }
    prediction.add(predicted, J);
    lower.add(low, J);
    upper.add(high, J);
    classProbabilities.add(probabilities, J);
    predictedClass.add(likeliestClass, J);
    pageRows += J;
    if (pageRows + J > PAGE_ROWS) {
      endPage();
    }
  }

  private void endPage() throws IOException {
    modelName.add(Binary.fromString(run.modelName()), pageRows);
    modelVersion.add(run.modelVersion(), pageRows);
    bundleHash.add(Binary.fromString(run.bundleHash()), pageRows);
    runId.add(Binary.fromString(run.runId()), pageRows);
    scoredAt.add(PredictionsSchema.ticks(run.scoredAt()), pageRows);
    long bytes = 0;
    for (PageColumn column : columns) {
      PageWriter writer = pages.getPageWriter(column.descriptor());
      column.endPage(writer, pageRows);
      bytes += writer.getMemSize();
    }
    groupRows += pageRows;
    pageRows = 0;
    if (bytes > ROW_GROUP_BYTES) {
      endRowGroup();
    }
  }

  private void endRowGroup() throws IOException {
    for (PageColumn column : columns) {
      column.endRowGroup(pages.getPageWriter(column.descriptor()));
    }
    file.startBlock(groupRows);
    pages.flushToFileWriter(file);
    file.endBlock();
    groupRows = 0;
    pages = newPages();
  }

  private ColumnChunkPageWriteStore newPages() {
    return new ColumnChunkPageWriteStore(
        compressor,
        schema,
        HeapByteBufferAllocator.getInstance(),
        ParquetProperties.DEFAULT_COLUMN_INDEX_TRUNCATE_LENGTH);
  }

  /** Writes what is left and the footer. */
  void finish() throws IOException {
    if (pageRows > 0) {
      endPage();
    }
    if (groupRows > 0) {
      endRowGroup();
    }
    file.end(Map.of());
  }

  /** Lets go of the codecs. A file that was not finished is not readable. */
  @Override
  public void close() {
    codecs.release();
  }
}
