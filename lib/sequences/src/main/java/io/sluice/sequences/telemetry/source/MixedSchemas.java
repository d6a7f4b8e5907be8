package io.sluice.sequences.telemetry.source;

import io.sluice.failure.InvalidInputException;
import java.util.Map;
import java.util.TreeMap;
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
          for (String file : SourceFiles.of(path, spark.sessionState().newHadoopConf())) {
            compare(spark, described, format, options, file, seen);
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
                .formatted(
                    described,
                    field.name(),
                    before.type(),
                    ReadFailures.shown(before.file()),
                    type,
                    ReadFailures.shown(file)));
      }
    }
  }
}
