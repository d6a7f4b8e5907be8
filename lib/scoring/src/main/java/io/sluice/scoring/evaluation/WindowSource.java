package io.sluice.scoring.evaluation;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SequenceManifest;
import io.sluice.sequences.dataset.SequenceManifest.Part;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** What an evaluation reads, opened anew in every task: a dataset and a model for its windows. */
interface WindowSource {

  SequenceManifest manifest();

  Iterator<Segment> segments(Part part);

  WindowModel model();

  /** Opens the source; travels to the tasks. */
  interface Opener extends Serializable {
    WindowSource open(Configuration hadoop);
  }

  /** The part with this path. */
  default Part part(String path) {
    return manifest().parts().stream()
        .filter(p -> p.path().equals(path))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no part " + path));
  }

  /** Parts of a split in manifest order. */
  default List<Part> parts(String split) {
    return manifest().parts().stream().filter(p -> p.split().equals(split)).toList();
  }
}
