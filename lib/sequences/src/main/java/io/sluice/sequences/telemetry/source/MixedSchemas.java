package io.sluice.sequences.telemetry.source;

import io.sluice.failure.InvalidInputException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;

/** Finds out which two files give a column different types, once Spark has said that some do. */
final class MixedSchemas {
  private record Seen(String type, String file) {}

  private MixedSchemas() {}

  /** Throws if two files disagree on a column's type, or one has no schema; else returns. */
  static void refuse(
      SparkSession spark,
      String described,
      String path,
      String format,
      Map<String, String> options) {
    ReadFailures.guard(
        described,
        () -> {
          var seen = new TreeMap<String, Seen>();
          Configuration hadoop = spark.sessionState().newHadoopConf();
          var glob = new Path(path);
          FileSystem fs = glob.getFileSystem(hadoop);
          for (FileStatus status : fs.globStatus(glob)) {
            var files = fs.listFiles(status.getPath(), true);
            while (files.hasNext()) {
              LocatedFileStatus file = files.next();
              String name = file.getPath().getName();
              if (!name.startsWith("_") && !name.startsWith(".") && file.getLen() > 0) {
                compare(spark, described, format, options, file.getPath().toString(), seen);
              }
            }
          }
          return null;
        });
  }

  private static void compare(
      SparkSession spark,
      String described,
      String format,
      Map<String, String> options,
      String file,
      Map<String, Seen> seen) {
    for (StructField field :
        spark.read().format(format).options(options).load(file).schema().fields()) {
      String type = field.dataType().simpleString();
      Seen before = seen.putIfAbsent(field.name(), new Seen(type, file));
      if (before != null && !before.type().equals(type)) {
        throw new InvalidInputException(
            "Cannot read %s: column %s is %s in %s but %s in %s. Give files of one schema, or convert one of them."
                .formatted(described, field.name(), before.type(), before.file(), type, file));
      }
    }
  }
}
