package io.sluice.recurrent.head;

import java.util.List;

/** A layer's configuration that {@link HeadParameters} lays out. */
interface WithHeadParameters {
  /** In the order in which they lie in the flat array. */
  List<HeadParameter> parameters();
}
