package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.WindowContract;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.lang3.mutable.MutableLong;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.api.Binary;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.unsafe.types.UTF8String;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Writes the scored windows of one Spark partition, which come in order of date, a file a date,
 * into a folder of this attempt's own. The driver takes over the files of the attempts whose result
 * reached it, so a repeated or speculative task leaves no trace.
 *
 * @param attempts folder under which each attempt gets its own
 */
record StagingTask(
    String attempts,
    String codec,
    WindowContract contract,
    RunColumns run,
    Broadcast<SerializableConfiguration> hadoop)
    implements FlatMapFunction<Iterator<InternalRow>, StagingTask.Result> {

  /** Columns in the order of the rows. */
  static final List<String> COLUMNS =
      List.of(
          "series",
          "originTicks",
          "prediction",
          "lower",
          "upper",
          "classProbabilities",
          "predictedClass");

  /** A file as it lies below {@link #attempts} and as it shall be called in the staging folder. */
  static final class File implements Serializable {
    private static final long serialVersionUID = 1L;
    final String attempt;
    final String partition;
    final String name;

    File(String attempt, String partition, String name) {
      this.attempt = attempt;
      this.partition = partition;
      this.name = name;
    }
  }

  /** What one task wrote; no record, because Spark's Kryo cannot read one. */
  static final class Result implements Serializable {
    private static final long serialVersionUID = 1L;
    final ArrayList<File> files = new ArrayList<>();
    final HashSet<String> series = new HashSet<>();
    final HashMap<String, Long> predictedClasses = new HashMap<>();
    long windows;
    long firstOrigin = Long.MAX_VALUE;
    long lastOrigin = Long.MIN_VALUE;
  }

  @Override
  public Iterator<Result> call(Iterator<InternalRow> windows) throws IOException {
    var result = new Result();
    Set<UTF8String> names = new HashSet<>();
    Map<Binary, MutableLong> classes = new HashMap<>();
    PredictionFile file = null;
    try {
      long number = 0;
      while (windows.hasNext()) {
        InternalRow window = windows.next();
        long origin = window.getLong(1);
        long itsNumber = PredictionsSchema.partitionNumber(contract.time().type(), origin);
        if (file == null || itsNumber != number) {
          finish(file);
          number = itsNumber;
          file = create(origin, result);
        }
        UTF8String series = window.getUTF8String(0);
        if (!names.contains(series)) {
          names.add(series.clone()); // the row's own bytes are reused
        }
        Binary predictedClass = binary(window, 6);
        if (predictedClass != null) {
          classes.computeIfAbsent(predictedClass, c -> new MutableLong()).increment();
        }
        file.add(
            binary(window, 0),
            origin,
            floats(window, 2),
            floats(window, 3),
            floats(window, 4),
            floats(window, 5),
            predictedClass);
        result.windows++;
        result.firstOrigin = Math.min(result.firstOrigin, origin);
        result.lastOrigin = Math.max(result.lastOrigin, origin);
      }
      finish(file);
      file = null;
    } finally {
      if (file != null) {
        file.close();
      }
    }
    names.forEach(name -> result.series.add(name.toString()));
    classes.forEach(
        (name, count) -> result.predictedClasses.put(name.toStringUsingUTF8(), count.longValue()));
    return result.windows == 0 ? List.<Result>of().iterator() : List.of(result).iterator();
  }

  private PredictionFile create(long origin, Result result) throws IOException {
    String partition = PredictionsSchema.partition(contract.time().type(), origin);
    TaskContext task = TaskContext.get();
    // the run is part of the name: a swap tells its files from those of the runs before
    String name = "part-%05d-%s.parquet".formatted(task.partitionId(), run.runId());
    String attempt = "%d/%s/%s".formatted(task.taskAttemptId(), partition, name);
    result.files.add(new File(attempt, partition, name));
    return new PredictionFile(
        new Path(attempts, attempt), hadoop.value().value(), codec, contract, run);
  }

  private static void finish(PredictionFile file) throws IOException {
    if (file != null) {
      file.finish();
      file.close();
    }
  }

  private static Binary binary(InternalRow row, int column) {
    return row.isNullAt(column)
        ? null
        : Binary.fromConstantByteArray(row.getUTF8String(column).getBytes());
  }

  private static float[] floats(InternalRow row, int column) {
    return row.isNullAt(column) ? null : row.getArray(column).toFloatArray();
  }
}
