package io.sluice.sequences.text;

import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The files that a task writes, one after the other, in a folder of this attempt's own. The driver
 * takes over those of the attempts whose result reached it.
 *
 * @param attempts folder under which each attempt gets its own
 */
record PartFiles(Layout layout, String codec, String attempts, SerializableConfiguration hadoop)
    implements Serializable {

  /** Number of a part over all splits: the split's ordinal, then the part's place in it. */
  static long number(Split split, int partOfSplit) {
    return ((long) split.ordinal() << 32) + partOfSplit;
  }

  private static String path(long number) {
    return "split=%s/part-%05d.parquet"
        .formatted(Split.values()[(int) (number >>> 32)].label(), (int) number);
  }

  Open open() {
    return new Open();
  }

  /** The part at hand, and those before it. */
  final class Open implements AutoCloseable {
    private final List<WrittenPart> written = new ArrayList<>();
    private final String folder = attempts + "/" + TaskContext.get().taskAttemptId();
    private PartWriter writer;
    private long part = -1;
    private long unknown;

    /** The writer of a part; parts come one after the other. */
    PartWriter of(long newPart) throws IOException {
      if (newPart != part) {
        finish();
        part = newPart;
        writer = new PartWriter(new Path(folder + "/" + path(part)), layout, codec, hadoop.value());
      }
      return writer;
    }

    void countUnknown(long tokens) {
      unknown += tokens;
    }

    /** Ends the part at hand. */
    List<WrittenPart> finish() throws IOException {
      if (writer != null) {
        PartWriter finished = writer;
        writer = null;
        String hash = finished.finish();
        written.add(
            new WrittenPart(
                folder + "/" + path(part),
                path(part),
                Split.values()[(int) (part >>> 32)],
                finished.rows(),
                finished.tokens(),
                unknown,
                hash));
        unknown = 0;
      }
      return written;
    }

    @Override
    public void close() throws IOException {
      if (writer != null) {
        writer.close();
      }
    }
  }
}
