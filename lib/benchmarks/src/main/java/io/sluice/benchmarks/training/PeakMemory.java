package io.sluice.benchmarks.training;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.benchmarks.ProcessMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The most that an executor held, in KiB: by the system's account ({@code VmHWM}) heap, native
 * memory and code together, and of it the heap after a collection. Collections are forced every
 * second, so that garbage is no part of it.
 */
record PeakMemory(long resident, long heap) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long EVERY_MILLIS = 1000;

  /** Runs, unless the folder has what was found before. */
  static List<PeakMemory> of(TrainProcess process, Path run, int executors)
      throws IOException, InterruptedException {
    Path kept = run.resolve("peak-memory.json");
    if (!Files.exists(kept)) {
      TrainProcess.Running running = process.start();
      List<PeakMemory> peaks = watch(running.executors(executors));
      running.await();
      Files.writeString(kept, JSON.writeValueAsString(peaks));
    }
    return List.of(JSON.readValue(kept.toFile(), PeakMemory[].class));
  }

  private static List<PeakMemory> watch(List<ProcessHandle> processes) throws InterruptedException {
    var peaks = new ArrayList<PeakMemory>();
    processes.forEach(p -> peaks.add(new PeakMemory(0, 0)));
    while (processes.stream().allMatch(ProcessHandle::isAlive)) {
      for (int p = 0; p < processes.size(); p++) {
        ProcessHandle process = processes.get(p);
        try {
          long heap = ProcessSample.of(process, 0).get(ProcessSample.Number.HEAP);
          long resident = ProcessMemory.peakKibibytes(process.pid());
          peaks.set(
              p,
              new PeakMemory(
                  Math.max(resident, peaks.get(p).resident), Math.max(heap, peaks.get(p).heap)));
        } catch (IOException | IllegalStateException e) {
          if (endsSoon(process)) {
            return peaks;
          }
          throw new IllegalStateException("Cannot look at process " + process.pid(), e);
        }
      }
      TimeUnit.MILLISECONDS.sleep(EVERY_MILLIS);
    }
    return peaks;
  }

  /** A process that ends answers no more before it is gone. */
  private static boolean endsSoon(ProcessHandle process) throws InterruptedException {
    for (int tick = 0; tick < 100 && process.isAlive(); tick++) {
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return !process.isAlive();
  }

  Map<String, Object> toJson() {
    var json = new LinkedHashMap<String, Object>();
    json.put("resident, MiB", resident >> 10);
    json.put("heap after GC, MiB", heap >> 10);
    return json;
  }
}
