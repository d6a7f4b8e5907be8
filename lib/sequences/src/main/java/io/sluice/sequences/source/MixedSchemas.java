package io.sluice.sequences.source;

import io.sluice.failure.InvalidInputException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Finds out which two files give a column different types, once Spark has said that some do. */
final class MixedSchemas {
  private record Seen(String type, String file) {}

  private MixedSchemas() {}

  /** Throws if two files disagree on a column's type, or one has no schema; else returns. */
  static void refuse(SparkSession spark, TableSource source) {
    ReadFailures.guard(
        source.described(),
        () -> {
          var seen = new TreeMap<String, Seen>();
          for (String file : SourceFiles.of(source.path(), spark.sessionState().newHadoopConf())) {
            compare(spark, source, file, seen);
          }
          return null;
        });
  }

  private static void compare(
      SparkSession spark, TableSource source, String file, Map<String, Seen> seen) {
    StructType schema =
        spark.read().format(source.format()).options(source.options()).load(file).schema();
    for (StructField field : schema.fields()) {
      String type = field.dataType().simpleString();
      Seen before = seen.putIfAbsent(field.name(), new Seen(type, file));
      if (before != null && !before.type().equals(type)) {
        throw new InvalidInputException(
            "Cannot read %s: column %s is %s in %s but %s in %s. Give files of one schema, or convert one of them."
                .formatted(
                    source.described(),
                    field.name(),
                    before.type(),
                    ReadFailures.shown(before.file()),
                    type,
                    ReadFailures.shown(file)));
      }
    }
  }
}
