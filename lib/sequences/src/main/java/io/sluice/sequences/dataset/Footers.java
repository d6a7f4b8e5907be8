package io.sluice.sequences.dataset;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;

/** Footers of the files that were opened last; a shard comes back to its file group by group. */
final class Footers {
  private final Map<Path, ParquetMetadata> latest;

  /**
   * @param most footers that are remembered
   */
  Footers(int most) {
    this.latest =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Path, ParquetMetadata> eldest) {
            return size() > most;
          }
        };
  }

  ParquetMetadata of(Path file, Configuration hadoop) throws IOException {
    synchronized (latest) {
      ParquetMetadata known = latest.get(file);
      if (known != null) {
        return known;
      }
    }
    ParquetMetadata read = ParquetPart.footer(file, hadoop);
    synchronized (latest) {
      latest.put(file, read);
    }
    return read;
  }
}
