package io.sluice.scoring.batch;

import io.sluice.sequences.dataset.TimeAxis;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;

/**
 * Publishes prepared partitions to one table for each place a publication can stop at, and stops
 * there: one process to be killed.
 */
final class PublishingProcess {
  private PublishingProcess() {}

  /**
   * @param args folder with the new partitions, folder of the tables, then the tables: {@code
   *     STEP-n} stops at the n-th time the step is reached
   */
  public static void main(String[] args) throws InterruptedException {
    for (int i = 2; i < args.length; i++) {
      String[] place = args[i].split("-");
      String table = args[1] + "/" + args[i];
      var point = new StoppingPoint(PublishStep.valueOf(place[0]), Integer.parseInt(place[1]));
      point.runTo(() -> publish(args[0], table, point));
    }
    ChildProcess.reachedAndWaiting();
  }

  private static void publish(String newPartitions, String table, PublishStep.Observer observer)
      throws IOException {
    var hadoop = new Configuration();
    var source = new Path(newPartitions);
    var fs = source.getFileSystem(hadoop);
    try (PredictionsWrite write =
        PredictionsTable.at(table, Duration.ofMinutes(10), hadoop)
            .begin("m", new TableFormat.OfWindows(TimeAxis.Type.TIMESTAMP), "run-2", observer)) {
      for (FileStatus partition : fs.globStatus(new Path(source, "date=*"))) {
        FileUtil.copy(fs, partition.getPath(), fs, write.staging(), false, hadoop);
      }
      write.publish(
          new Coverage.Range(
              TimeAxis.Type.TIMESTAMP,
              PredictionsSchema.ticks(PublicationCrashTest.FIRST),
              PredictionsSchema.ticks(PublicationCrashTest.LAST)));
    }
  }

  /** A place in a publication that its thread reaches and never leaves. */
  static final class StoppingPoint implements PublishStep.Observer {
    private final PublishStep stopAt;
    private final CountDownLatch reached = new CountDownLatch(1);
    private int remaining;

    /**
     * @param n the how manieth time the step is reached
     */
    StoppingPoint(PublishStep stopAt, int n) {
      this.stopAt = stopAt;
      this.remaining = n;
    }

    @Override
    public void reached(PublishStep step, String partition) {
      if (step == stopAt && --remaining == 0) {
        reached.countDown();
        try {
          new CountDownLatch(1).await(); // until the process is killed
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }

    /**
     * Runs a publication in a thread of its own until it gets here; its failure ends the process.
     */
    void runTo(Publication publication) throws InterruptedException {
      var thread =
          new Thread(
              () -> {
                try {
                  publication.run();
                  throw new IllegalStateException(stopAt + " was not reached");
                } catch (IOException | RuntimeException e) {
                  e.printStackTrace();
                  Runtime.getRuntime().halt(1);
                }
              });
      thread.setDaemon(true);
      thread.start();
      reached.await();
    }
  }

  /** A publication under way. */
  @FunctionalInterface
  interface Publication {
    void run() throws IOException;
  }
}
