package io.sluice.jobs;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * What the integration tests share, made once a process by the scripts themselves: a simulated
 * plant, and a lake with a dataset, a bundle, an evaluation and predictions made from it.
 */
final class SmallPlant {
  // each process that runs tests has its own
  private static final Path BASE =
      Script.ROOT.resolve("jobs/target/it").resolve(Long.toString(ProcessHandle.current().pid()));

  private static Script.Result simulation;
  private static Script.Result pipeline;

  private SmallPlant() {}

  /** An empty folder of this build. */
  static Path folder(String name) throws IOException {
    Path folder = BASE.resolve(name);
    if (Files.exists(folder)) {
      delete(folder);
    }
    return Files.createDirectories(folder);
  }

  /** The lake, a path with a blank in it, with the plant's raw tables. */
  static synchronized Path lake() throws IOException, InterruptedException {
    Path lake = BASE.resolve("small plant");
    if (simulation == null) {
      folder("small plant");
      simulation = Script.onSmallPlant("simulate.sh", lake.toString()).run().requireStatus(0);
    }
    return lake;
  }

  /** How the plant was simulated. */
  static Script.Result simulation() throws IOException, InterruptedException {
    lake();
    return simulation;
  }

  /** Builds, trains, evaluates and scores in {@link #lake()}. */
  static synchronized Script.Result pipeline() throws IOException, InterruptedException {
    Path lake = lake();
    if (pipeline == null) {
      pipeline = Script.onSmallPlant("pipeline.sh", lake.toString()).run().requireStatus(0);
    }
    return pipeline;
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
