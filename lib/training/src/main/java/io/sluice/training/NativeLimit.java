package io.sluice.training;

import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.DeviceChoice;
import io.sluice.scoring.device.GpuScheduling;
import io.sluice.training.TrainSettings.StrategyKind;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.network.util.JavaUtils;
import org.bytedeco.javacpp.Pointer;

/**
 * What a process may hold outside the Java heap: {@code SLUICE_OFFHEAP_MEMORY}, which the submit
 * scripts hand to JavaCPP as {@code org.bytedeco.javacpp.maxbytes}.
 */
final class NativeLimit {
  static final long NONE = Long.MAX_VALUE;

  private static final Pattern MAX_BYTES =
      Pattern.compile("-Dorg\\.bytedeco\\.javacpp\\.maxbytes=(\\d+[bkmgtBKMGT]?)");

  private NativeLimit() {}

  /**
   * Of a process that has all of the network, in bytes; none of one that has a part. One whose
   * recurrent layers compute on a GPU holds little of them, and has no limit here.
   */
  static long of(TrainSettings settings, Optional<SparkContext> spark) {
    if (settings.strategy() == StrategyKind.LOCAL) {
      boolean onGpu =
          settings.device() == DeviceChoice.GPU
              || settings.device() == DeviceChoice.AUTO && Device.gpus() > 0;
      return onGpu ? NONE : ofThisProcess();
    }
    if (settings.strategy() == StrategyKind.PIPELINE) {
      return NONE;
    }
    SparkContext context = spark.orElseThrow();
    if (Strategies.takesGpus(settings.strategy())
        && GpuScheduling.tasksComputeOnGpus(context.conf(), settings.device())) {
      return NONE;
    }
    return ExecutorMemory.of(context, settings).rankLimit();
  }

  /** Of the process that runs this, in bytes. */
  static long ofThisProcess() {
    return Pointer.maxBytes() > 0 ? Pointer.maxBytes() : NONE;
  }

  /** Of an executor's process, in bytes; JavaCPP's default is the size of the heap. */
  static long ofExecutors(SparkConf conf, long heapBytes) {
    Matcher options =
        MAX_BYTES.matcher(
            conf.get("spark.executor.defaultJavaOptions", "")
                + " "
                + conf.get("spark.executor.extraJavaOptions", ""));
    long bytes = heapBytes;
    while (options.find()) {
      bytes = JavaUtils.byteStringAsBytes(options.group(1));
    }
    return bytes > 0 ? bytes : NONE;
  }
}
