package io.sluice.jobs;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the integration tests share, made once a process by the scripts themselves: a simulated
 * plant, and a lake with a dataset, a bundle, an evaluation and predictions made from it.
 */
final class SmallPlant {
  /** A folder for each process that runs tests, by its number; some gigabytes. */
  private static final Path ALL = Script.ROOT.resolve("jobs/target/it");

  private static final Path BASE = ALL.resolve(Long.toString(ProcessHandle.current().pid()));

  private static Script.Result simulation;
  private static Script.Result pipeline;

  static {
    try {
      deleteThoseOfEndedProcesses();
    } catch (IOException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private SmallPlant() {}

  private static void deleteThoseOfEndedProcesses() throws IOException {
    Files.createDirectories(ALL);
    List<Path> ended;
    try (Stream<Path> folders = Files.list(ALL)) {
      ended =
          folders
              .filter(f -> ProcessHandle.of(Long.parseLong(f.getFileName().toString())).isEmpty())
              .toList();
    }
    for (Path each : ended) {
      delete(each);
    }
  }

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
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure)
              throws IOException {
            if (failure instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE; // another process deletes the same
            }
            throw failure;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException failure)
              throws IOException {
            if (failure != null && !(failure instanceof NoSuchFileException)) {
              throw failure;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
