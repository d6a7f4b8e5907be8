package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Writes the parts of one Spark partition into a folder of this attempt's own. The driver takes
 * over the files of the attempts whose result reached it, so a repeated or speculative task leaves
 * no trace in the dataset.
 *
 * @param attempts folder under which each attempt gets its own
 */
public record PartTask(
    BlockPlan plan,
    TreeMap<String, SeriesRange> ranges,
    PartPlan parts,
    WindowContract contract,
    String codec,
    String attempts,
    SerializableConfiguration hadoop)
    implements FlatMapFunction<Iterator<InternalRow>, PartTask.Result> {

  /** What one task did; no record, because Spark's Kryo cannot read one. */
  public static final class Result implements Serializable {
    private static final long serialVersionUID = 1L;
    private final ArrayList<WrittenPart> parts;
    private final TreeMap<String, TaskCounts> counts;

    Result(ArrayList<WrittenPart> parts, TreeMap<String, TaskCounts> counts) {
      this.parts = parts;
      this.counts = counts;
    }

    public List<WrittenPart> parts() {
      return parts;
    }

    /** Counts by period. */
    public Map<String, TaskCounts> counts() {
      return counts;
    }
  }

  @Override
  public Iterator<Result> call(Iterator<InternalRow> rows) throws IOException {
    var counts = new TreeMap<String, TaskCounts>();
    var segments =
        new BlockSegments(
            rows,
            plan,
            ranges,
            (part, ofPart) ->
                counts.computeIfAbsent(parts.periodName(part), p -> new TaskCounts()).add(ofPart));
    var written = new ArrayList<WrittenPart>();
    try (var open = new OpenParts(written)) {
      while (segments.hasNext()) {
        BlockSegments.Placed placed = segments.next();
        open.of(placed.part(), placed.split()).write(placed.segment());
      }
      open.finish();
    }
    return List.of(new Result(written, counts)).iterator();
  }

  /** The files of the part at hand, one a split. */
  private final class OpenParts implements AutoCloseable {
    private final List<WrittenPart> written;
    private final Map<Split, SegmentPartWriter> writers = new EnumMap<>(Split.class);
    private final String folder = attempts + "/" + TaskContext.get().taskAttemptId();
    private final Configuration configuration = hadoop.value();
    private int part = -1;

    OpenParts(List<WrittenPart> written) {
      this.written = written;
    }

    SegmentPartWriter of(int newPart, Split split) throws IOException {
      if (newPart != part) {
        finish();
        part = newPart;
      }
      SegmentPartWriter writer = writers.get(split);
      if (writer == null) {
        writer =
            new SegmentPartWriter(
                new Path(folder + "/" + path(split)), configuration, contract, codec);
        writers.put(split, writer);
      }
      return writer;
    }

    private String path(Split split) {
      return "split=%s/period=%s/%s"
          .formatted(split.label(), parts.periodName(part), parts.fileName(part));
    }

    void finish() throws IOException {
      for (Split split : Split.values()) {
        SegmentPartWriter writer = writers.remove(split);
        if (writer != null) {
          String path = path(split);
          written.add(writer.close(folder + "/" + path, path, split.label()));
        }
      }
    }

    @Override
    public void close() throws IOException {
      IOException failure = null;
      for (SegmentPartWriter writer : writers.values()) {
        try {
          writer.close();
        } catch (IOException e) {
          if (failure == null) {
            failure = e;
          } else {
            failure.addSuppressed(e);
          }
        }
      }
      writers.clear();
      if (failure != null) {
        throw failure;
      }
    }
  }
}
