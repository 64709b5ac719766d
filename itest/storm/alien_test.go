package storm

func (w *world) alien(i int) {}
