package io.sluice.sequences.source;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;

/**
 * The rows that could not be used, rejects.v1: Parquet with {@code source_file}, {@code reason} and
 * the {@code row} as JSON, with the whole line as {@code malformed_row} where it does not have its
 * file's columns. Replaced by each build; there, and empty, where every row could be used.
 */
public final class RejectsTable {
  private RejectsTable() {}

  /**
   * Both folders are replaced as a whole: refuses to replace what build-sequences did not write.
   */
  public static void requireOwnFolders(String dataset, String rejects, Configuration hadoop) {
    List<String> inDataset = Lake.of(hadoop).children(dataset);
    if (!inDataset.isEmpty() && !inDataset.contains(SequenceManifest.FILE_NAME)) {
      throw notReplaceable("dataset.path", dataset, "a sequence dataset", inDataset);
    }
    requireReplaceable("reject.path", rejects, hadoop);
  }

  /**
   * The folder is replaced as a whole: refuses one that holds anything else.
   *
   * @param setting that names the folder
   */
  public static void requireReplaceable(String setting, String path, Configuration hadoop) {
    List<String> children = Lake.of(hadoop).children(path);
    if (!children.stream().allMatch(RejectsTable::isNameOfPart)) {
      throw notReplaceable(setting, path, "a rejects table", children);
    }
  }

  /** The refusal to replace a folder that holds something else than this job's work. */
  public static InvalidInputException notReplaceable(
      String setting, String path, String what, List<String> children) {
    return new InvalidInputException(
        "%s %s is not %s (has: %s), and this job replaces the folder as a whole. Give it a folder of its own."
            .formatted(setting, path, what, children.stream().limit(10).toList()));
  }

  // Spark's parts, marks and checksums
  private static boolean isNameOfPart(String name) {
    return name.startsWith("part-") || name.startsWith("_") || name.startsWith(".");
  }

  /**
   * Writes the table into an empty folder, and publishes it.
   *
   * @param rejected columns source_file, reason and row
   * @param rows how many there are, as a pass before has counted them
   */
  public static void write(String source, Dataset<Row> rejected, long rows, StagedFolder folder) {
    if (rows == 0) {
      // known: no second pass over the source, nor any Spark job
      writeEmpty(folder, rejected.sparkSession().sessionState().newHadoopConf());
    } else {
      writeRejected(source, rejected, folder);
    }
    folder.publish();
  }

  private static void writeRejected(String source, Dataset<Row> rejected, StagedFolder folder) {
    WriteFailures.guard(
        source,
        folder.targetUri(),
        () -> {
          rejected.write().mode(SaveMode.Append).parquet(folder.uri());
          return null;
        });
  }

  private static void writeEmpty(StagedFolder folder, Configuration hadoop) {
    var schema = Types.buildMessage();
    for (String column : List.of("source_file", "reason", "row")) {
      schema
          .optional(PrimitiveTypeName.BINARY)
          .as(LogicalTypeAnnotation.stringType())
          .named(column);
    }
    var file = new Path(folder.uri() + "/part-00000.parquet");
    try {
      var writer =
          new ParquetFileWriter(
              HadoopOutputFile.fromPath(file, hadoop),
              schema.named("rejects_v1"),
              ParquetFileWriter.Mode.CREATE,
              ParquetWriter.DEFAULT_BLOCK_SIZE,
              ParquetWriter.MAX_PADDING_SIZE_DEFAULT);
      writer.start();
      writer.end(Map.of());
    } catch (IOException e) {
      throw Lake.writeFailure(file.toString(), e);
    }
  }
}
