package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;

/** Publishes prepared partitions and stops at the n-th time a step is reached. */
final class PublishingProcess {
  private PublishingProcess() {}

  /**
   * @param args table, folder with the new partitions, first and last origin, step, n
   */
  public static void main(String[] args) throws IOException {
    PublishStep stopAt = PublishStep.valueOf(args[4]);
    var remaining = new int[] {Integer.parseInt(args[5])};
    PublishStep.Observer observer =
        (step, partition) -> {
          if (step == stopAt && --remaining[0] == 0) {
            ChildProcess.reachedAndWaiting();
          }
        };
    var hadoop = new Configuration();
    var source = new Path(args[1]);
    var fs = source.getFileSystem(hadoop);
    try (PredictionsWrite write =
        PredictionsTable.at(args[0], Duration.ofMinutes(10), hadoop)
            .begin("m", TimeAxis.Type.TIMESTAMP, "run-2", observer)) {
      for (FileStatus partition : fs.globStatus(new Path(source, "date=*"))) {
        FileUtil.copy(fs, partition.getPath(), fs, write.staging(), false, hadoop);
      }
      write.publish(
          new Coverage.Range(
              TimeAxis.Type.TIMESTAMP,
              PredictionsSchema.ticks(Instant.parse(args[2])),
              PredictionsSchema.ticks(Instant.parse(args[3]))));
    }
  }
}
