package io.sluice.sequences.telemetry;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.source.WriteFailures;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetSettings;
import io.sluice.sequences.telemetry.store.WindowPartWriter;
import java.io.IOException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;

/**
 * Rewrites a staged dataset of segments, fitted and audited, as one row a window: {@code layout =
 * windows}. Each part keeps its name and place.
 */
final class WindowsLayout {
  private WindowsLayout() {}

  /** The parts as they are now: as many rows as windows, content hashes those of the segments. */
  static List<Part> rewrite(
      SparkSession spark, String folder, SequenceManifest manifest, DatasetSettings settings) {
    var hadoop = new SerializableConfiguration(spark.sessionState().newHadoopConf());
    String codec = settings.codec();
    List<String> paths = manifest.parts().stream().map(Part::path).toList();
    List<Tuple2<String, String>> rewritten =
        WriteFailures.guard(
            "the staged dataset " + folder,
            folder,
            () ->
                JavaSparkContext.fromSparkContext(spark.sparkContext())
                    .parallelize(paths, paths.size())
                    .map(path -> new Tuple2<>(path, rewritePart(folder, path, codec, hadoop)))
                    .collect());
    Map<String, String> attemptByPath = new HashMap<>();
    rewritten.forEach(pair -> attemptByPath.put(pair._1(), pair._2()));
    Lake lake = Lake.of(hadoop.value());
    for (String path : paths) {
      String target = folder + "/" + path;
      lake.delete(target);
      try {
        FileSystem fs = lake.fileSystem(folder);
        if (!fs.rename(new Path(attemptByPath.get(path)), new Path(target))) {
          throw new IOException("renaming %s failed".formatted(attemptByPath.get(path)));
        }
      } catch (IOException e) {
        throw Lake.writeFailure(target, e);
      }
    }
    lake.delete(folder + "/_windows");
    return manifest.parts();
  }

  private static String rewritePart(
      String folder, String path, String codec, SerializableConfiguration hadoop)
      throws IOException {
    SequenceDataset dataset = SequenceDataset.open(folder, hadoop.value());
    Part part =
        dataset.manifest().parts().stream()
            .filter(p -> p.path().equals(path))
            .findFirst()
            .orElseThrow();
    String attempt = folder + "/_windows/" + TaskContext.get().taskAttemptId() + "/" + path;
    try (var writer =
        new WindowPartWriter(new Path(attempt), hadoop.value(), dataset.contract(), codec)) {
      Iterator<Segment> segments = dataset.segments(part);
      while (segments.hasNext()) {
        writer.write(segments.next());
      }
    }
    return attempt;
  }
}
