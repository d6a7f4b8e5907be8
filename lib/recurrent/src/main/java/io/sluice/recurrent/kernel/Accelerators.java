package io.sluice.recurrent.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** The accelerators on the class path. */
final class Accelerators {
  private static final class Holder {
    static final List<AcceleratorKernels> ALL = load();
  }

  private Accelerators() {}

  /** The one to use; if none can be used, the one whose problem tells the most: the first. */
  static Optional<AcceleratorKernels> any() {
    return Holder.ALL.stream()
        .filter(each -> each.problem().isEmpty())
        .findFirst()
        .or(() -> Holder.ALL.stream().findFirst());
  }

  private static List<AcceleratorKernels> load() {
    // by the loader of this class: in Spark that of the job's jar, which no thread's need be
    var loader =
        ServiceLoader.load(AcceleratorKernels.class, AcceleratorKernels.class.getClassLoader());
    var all = new ArrayList<AcceleratorKernels>();
    try {
      loader.forEach(all::add);
    } catch (ServiceConfigurationError e) {
      Kernels.warnOnce(
          "An accelerator does not load (%s): recurrent layers compute without it. Put a whole jar of it on the class path, or take it away."
              .formatted(e.getMessage()));
    }
    return all;
  }
}
